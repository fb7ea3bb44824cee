"""Word count as Ray Streaming's first example has it: `python examples/simple.py --input-file words.txt`."""

import argparse

from raystreaming import StreamingContext

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--input-file", required=True, help="the text whose words are counted")
options = parser.parse_args()

ctx = StreamingContext.Builder().build()
(
    ctx.read_text_file(options.input_file)
    .set_parallelism(1)
    .flat_map(lambda line: line.split())
    .map(lambda word: (word, 1))
    .key_by(lambda pair: pair[0])
    .reduce(lambda old, new: (old[0], old[1] + new[1]))
    .sink(lambda pair: print("result", pair))
)
ctx.submit("simple")
