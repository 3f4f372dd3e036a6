// The same pipelines as core.cpp as Node's `async function*`.  Prints one JSON object: the median ns per
// element of each.
const ELEMENTS = 1_000_000;
const BATCH = 500;

async function* numbers(count) {
  for (let i = 0; i < count; i++) yield i;
}
async function* addOne(upstream) {
  for await (const number of upstream) yield number + 1;
}
async function sum(upstream) {
  let total = 0;
  for await (const number of upstream) total += number;
  return total;
}

async function* batches(count) {
  for (let i = 0; i < count; i += BATCH) {
    const batch = new Array(BATCH);
    for (let k = 0; k < BATCH; k++) batch[k] = i + k;
    yield batch;
  }
}
async function* addOneEach(upstream) {
  for await (const batch of upstream) {
    for (let k = 0; k < batch.length; k++) batch[k]++;
    yield batch;
  }
}
async function sumEach(upstream) {
  let total = 0;
  for await (const batch of upstream) {
    for (let k = 0; k < batch.length; k++) total += batch[k];
  }
  return total;
}

async function one(value) {
  return value;
}
async function awaitMany(count) {
  let total = 0;
  for (let i = 0; i < count; i++) total += await one(i);
  return total;
}

const pipelines = {
  one_stage: [0, () => sum(numbers(ELEMENTS))],
  three_stages: [2, () => sum(addOne(addOne(numbers(ELEMENTS))))],
  one_stage_batches: [0, () => sumEach(batches(ELEMENTS))],
  three_stages_batches: [2, () => sumEach(addOneEach(addOneEach(batches(ELEMENTS))))],
  task_await: [0, () => awaitMany(ELEMENTS)],
};

const rounds = Number(process.argv[2] ?? 5);
const times = Object.fromEntries(Object.keys(pipelines).map((name) => [name, []]));
for (let round = -1; round < rounds; round++) { // round -1 warms the JIT up
  for (const [name, [added, run]] of Object.entries(pipelines)) {
    const started = process.hrtime.bigint();
    const total = await run();
    const ns = Number(process.hrtime.bigint() - started) / ELEMENTS;
    if (total !== (ELEMENTS * (ELEMENTS - 1)) / 2 + added * ELEMENTS) throw new Error(`${name} lost an element`);
    if (round >= 0) times[name].push(ns);
  }
}
const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
console.log(JSON.stringify(Object.fromEntries(Object.entries(times).map(([name, values]) => [name, median(values)]))));
