// JavaScript, until it is killed: compiled at run time, and what Node has in C++ and in assembly.
const crypto = require('crypto');
const zlib = require('zlib');

function fall(n) {
    if (n === 0)
        throw new Error('end');
    return fall(n - 1) + 1;
}

function work(n) {
    const data = { text: Array.from({ length: 200 }, (_, i) => `${i}-${i / 7}`), n };
    const text = JSON.stringify(data);
    JSON.parse(text);
    text.match(/(\d+)-(\d+\.\d*[1-5])/g);
    crypto.createHash('sha256').update(text).digest('hex');
    zlib.inflateSync(zlib.deflateSync(text));
    data.text.sort((a, b) => (a < b ? 1 : -1));
    try {
        fall(n % 50);
    } catch (e) {
        n++;
    }
    return new Map(data.text.map((word) => [word, n]));
}

let n = 0;
function some() {
    for (let i = 0; i < 100; i++)
        work(n++);
    setImmediate(some);
}
setInterval(() => zlib.deflate(Buffer.alloc(1 << 20, 'ab'), () => {}), 20);
some();
