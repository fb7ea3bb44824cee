"""`KafkaSchemas`: the options of formats whose messages need a schema."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from raystreaming.connector import Options, option
from raystreaming_kafka.registry import SchemaRegistry


class KafkaSchemas(Options):
    """What Avro and Protobuf messages are made of."""

    avro_schema: str | Mapping[str, Any] | None = option(
        default=None,
        doc="With `avro`: the schema, as JSON or a dict; in reading with `registry`, what records become.",
    )
    protobuf_type: type[Any] | None = option(
        default=None, doc="With `protobuf`: the generated class; its objects are the records."
    )
    registry: SchemaRegistry | None = option(
        default=None,
        doc="With `avro` and `protobuf`: a `SchemaRegistry`, where the schemas of messages are kept by id.",
    )

    def validate_schemas(self, format: str, *, reading: bool) -> Iterable[str]:
        """Yield what is wrong with the options, given what the messages are."""
        for name, goes_with in (("avro_schema", ["avro"]), ("protobuf_type", ["protobuf"])):
            if getattr(self, name) is not None and format not in goes_with:
                yield f"{name}= goes with format={goes_with[0]!r} only, not with {format!r}"
        if self.registry is not None:
            if format not in ("avro", "protobuf"):
                yield f"registry= goes with format='avro' or 'protobuf' only, not with {format!r}"
            yield from _missing("confluent_kafka.schema_registry", "schema-registry", "registry=")
        if format == "avro":
            yield from self._wrong_avro(reading)
        if format == "protobuf":
            if self.protobuf_type is None:
                yield "format='protobuf' needs protobuf_type=, the generated class"
            elif not hasattr(self.protobuf_type, "FromString"):
                yield f"option 'protobuf_type' is no generated class of Protobuf: {self.protobuf_type!r}"
            yield from _missing("google.protobuf", "protobuf", "format='protobuf'")

    def _wrong_avro(self, reading: bool) -> Iterable[str]:
        if self.avro_schema is None and not (reading and self.registry is not None):
            yield "format='avro' needs avro_schema=" + (", or registry=" if reading else "")
        missing = list(_missing("fastavro", "avro", "format='avro'"))
        yield from missing
        if self.avro_schema is not None and not missing:
            from raystreaming_kafka.avro import parsed

            try:
                parsed(self.avro_schema, "option 'avro_schema'")
            except ValueError as error:
                yield str(error)


def _missing(module: str, extra: str, what: str) -> Iterable[str]:
    try:
        __import__(module)
    except ModuleNotFoundError as error:
        yield f"{what} needs {error.name}, which is not installed: pip install 'raystreaming-kafka[{extra}]'"
