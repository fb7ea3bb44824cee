"""Ten records by hand: what Python itself takes."""

for x in range(10):
    print(x * x)
