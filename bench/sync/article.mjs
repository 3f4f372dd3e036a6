// The pattern that syncd answers, as a good Node engineer writes it: an async generator of keyset pages,
// each page one pipeline.
//
//   node article.mjs POSTGRES_URI REDIS_URI hash|json PAGE
import { Redis } from 'ioredis';
import pg from 'pg';

const [postgresUri, redisUri, shape, pageText] = process.argv.slice(2);
const page = Number(pageText);

// A Date holds milliseconds: as cursor it would read rows twice, as value it would lose digits.
pg.types.setTypeParser(pg.types.builtins.TIMESTAMPTZ, (text) => text);

async function* pages(client) {
  let last = { updated_at: '-infinity', id: 0 };
  while (true) {
    const { rows } = await client.query({
      name: 'page',
      text: `SELECT id, email, name, status, score, updated_at FROM users
              WHERE (updated_at, id) > ($1::timestamptz, $2::bigint)
              ORDER BY updated_at, id LIMIT ${page}`,
      values: [last.updated_at, last.id],
    });
    if (rows.length > 0) yield rows;
    if (rows.length < page) return;
    last = rows.at(-1);
  }
}

const write = {
  hash: (pipeline, row) => pipeline.hset(`user:${row.id}`, row),
  json: (pipeline, row) => pipeline.set(`user:${row.id}`, JSON.stringify(row)),
}[shape];

const client = new pg.Client({ connectionString: postgresUri });
const redis = new Redis(redisUri);
await client.connect();
for await (const rows of pages(client)) {
  const pipeline = redis.pipeline();
  for (const row of rows) write(pipeline, row);
  for (const [error] of await pipeline.exec()) {
    if (error) throw error;
  }
}
await client.end();
await redis.quit();
