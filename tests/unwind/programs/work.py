# Python, until it is killed: its interpreter, and what its libraries have in C and in assembly.
import hashlib, json, re, threading, zlib


def fall(n):
    if n == 0:
        raise ValueError(n)
    return fall(n - 1) + 1


def work():
    n = 0
    while True:
        n += 1
        data = {"text": ["%d-%f" % (i, i / 7) for i in range(100)], "n": n}
        text = json.dumps(data, sort_keys=True)
        json.loads(text)
        re.findall(r"(\d+)-(\d+\.\d*[1-5])", text)
        hashlib.sha256(text.encode()).hexdigest()
        hashlib.sha512(text.encode() * 20).hexdigest()
        zlib.decompress(zlib.compress(text.encode()))
        sorted(data["text"], key=lambda word: word[::-1])
        int("9" * 300) ** 20
        try:
            fall(n % 30)
        except ValueError:
            pass


threading.Thread(target=work, daemon=True).start()
work()
