// The pattern that syncd answers, as a good Node engineer writes it: an async generator over the vendor's own
// client, consumed by a handler that sends each piece of text on.
//
//   node article.mjs MODEL_PORT PORT
import { once } from 'node:events';

import Anthropic from '@anthropic-ai/sdk';
import express from 'express';

const [modelPort, port] = process.argv.slice(2).map(Number);
const client = new Anthropic({
  apiKey: 'none',
  baseURL: `http://127.0.0.1:${modelPort}`,
  maxRetries: 0,
  timeout: 600_000,
});

async function* tokens(question) {
  const stream = await client.messages.create({
    model: 'bench',
    max_tokens: 400_000,
    messages: [{ role: 'user', content: question }],
    stream: true,
  });
  for await (const event of stream) {
    if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') yield event.delta.text;
  }
}

const app = express();
app.get('/jobs/:name/events', async (request, response) => {
  response.set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
  response.flushHeaders();
  try {
    for await (const content of tokens(`stream ${request.params.name}`)) {
      const taken = response.write(`data: ${JSON.stringify({ content })}\n\n`);
      if (!taken) await once(response, 'drain');
    }
    response.write('data: [DONE]\n\n');
  } catch (error) {
    response.write(`event: error\ndata: ${JSON.stringify({ message: error.message })}\n\n`);
  }
  response.end();
});
app.listen(port, '127.0.0.1');
