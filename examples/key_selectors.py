"""Keys by function, field and index, and what is computed of each key: `python examples/key_selectors.py`."""

from raystreaming import KeyFunction, StreamingContext, max_, mean

READINGS = [("oslo", 2.0), ("rome", 20.0), ("oslo", 4.0), ("rome", 22.0)]


class Country(KeyFunction):
    def open(self, context):
        self.of = {"oslo": "norway", "rome": "italy"}

    def key_by(self, value):
        return self.of[value[0]]


ctx = StreamingContext().set_parallelism(2)
readings = ctx.from_collection(READINGS)
readings.key_by(Country()).reduce(lambda old, new: max(old, new, key=lambda r: r[1])).print(
    "by function class: "
)
readings.key_by(lambda r: r[0]).sum(lambda r: r[1]).print("by function: ")
readings.key_by(0).sum(1).print("by index: ")
rows = readings.map(lambda r: {"city": r[0], "degrees": r[1]})
rows.key_by("city").agg(highest=max_("degrees"), average=mean("degrees"), updates="final").print("by field: ")
ctx.execute("key-selectors")
