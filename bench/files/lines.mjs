// The pattern that syncd answers, as a good Node engineer writes it: an async generator over the chunks of a
// stream that splits them at the line ends and keeps the rest; a file gets what one chunk held at once.
//
//   node lines.mjs FILE             counts
//   node lines.mjs FILE OUT         writes the lines
//   node lines.mjs FILE REDIS_URI   adds them to the stream `lines`, 1,000 a pipeline
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { Redis } from 'ioredis';

const [path, target] = process.argv.slice(2);

async function* lines(stream) {
  let rest = '';
  for await (const chunk of stream) {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop();
    for (const part of parts) {
      const line = part.trim();
      if (line) yield line;
    }
  }
  if (rest.trim()) yield rest.trim();
}

const source = lines(createReadStream(path, { encoding: 'utf8', highWaterMark: 64 * 1024 }));
let count = 0;
if (!target) {
  for await (const line of source) count += line.length > 0 ? 1 : 0;
} else if (target.startsWith('redis:')) {
  const redis = new Redis(target);
  let pipeline = redis.pipeline();
  const flush = async () => {
    for (const [error] of await pipeline.exec()) {
      if (error) throw error;
    }
    pipeline = redis.pipeline();
  };
  for await (const line of source) {
    pipeline.xadd('lines', '*', 'line', line);
    count += 1;
    if (pipeline.length === 1000) await flush();
  }
  await flush();
  await redis.quit();
} else {
  const out = createWriteStream(target, { highWaterMark: 256 * 1024 });
  for await (const line of source) {
    count += 1;
    if (!out.write(`${line}\n`)) await once(out, 'drain');
  }
  out.end();
  await once(out, 'finish');
}
console.log(count);
