// Reads what packing.py packs: each block is inflated when it is first asked for, and kept.

const MISSING = -(2 ** 31);
const ZERO = MISSING + 1;
const unpacked = new Map();

async function inflate(id) {
  const text = atob(document.getElementById(id).textContent);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function inflateText(id) {
  return new TextDecoder().decode(await inflate(id));
}

// The numbers of a series: `values`, coin by coin, and `of(row)` for one coin's.
function series(name) {
  if (!unpacked.has(name)) unpacked.set(name, unpack(`series-${name}`));
  return unpacked.get(name);
}

async function unpack(id) {
  const { rows, columns, step } = document.getElementById(id).dataset;
  const bytes = await inflate(id);
  const count = rows * columns, width = Number(columns);
  const values = new Float64Array(count);
  let code = 0;
  for (let at = 0; at < count; at++) {
    if (at % width === 0) code = 0;
    const zigzag = bytes[at] | (bytes[at + count] << 8) | (bytes[at + 2 * count] << 16) | (bytes[at + 3 * count] << 24);
    code = (code + ((zigzag >>> 1) ^ -(zigzag & 1))) | 0;
    values[at] = code === MISSING ? NaN : code === ZERO ? 0 : Math.exp(code * step);
  }
  return { values, of: (row) => values.subarray(row * width, (row + 1) * width) };
}
