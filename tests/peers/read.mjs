// Reads one stream with a vendor's own SDK, and prints what it made of it as one line of JSON.
//
//   node read.mjs messages URL    Anthropic's SDK asks a model at URL
//   node read.mjs chat URL        OpenAI's SDK asks a model at URL
//   node read.mjs relay URL       OpenAI's stream parser reads the events of a job at URL, once it says so
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { Stream } from 'openai/streaming';

const [kind, url] = process.argv.slice(2);
const question = { model: 'm', messages: [{ role: 'user', content: '12345678' }] };
const heard = { text: '', events: 0 };

const readers = {
  async messages() {
    const client = new Anthropic({ apiKey: 'secret', baseURL: url, maxRetries: 0 });
    const stream = client.messages.stream({ ...question, max_tokens: 100 });
    stream.on('text', (text) => { heard.text += text; ++heard.events; });
    const message = await stream.finalMessage();
    heard.stop = message.stop_reason;
    heard.input = message.usage.input_tokens;
    heard.output = message.usage.output_tokens;
  },
  async chat() {
    const client = new OpenAI({ apiKey: 'secret', baseURL: url, maxRetries: 0 });
    const stream = await client.chat.completions.create(
      { ...question, stream: true, stream_options: { include_usage: true } });
    for await (const chunk of stream) {
      const choice = chunk.choices[0];
      if (choice?.delta.content) { heard.text += choice.delta.content; ++heard.events; }
      heard.stop = choice?.finish_reason ?? heard.stop;
      heard.input = chunk.usage?.prompt_tokens ?? heard.input;
      heard.output = chunk.usage?.completion_tokens ?? heard.output;
    }
  },
  async relay() {
    const controller = new AbortController();
    const response = await fetch(url, { signal: controller.signal });
    console.error('reading');
    for await (const event of Stream.fromSSEResponse(response, controller)) {
      heard.text += event.content;
      ++heard.events;
    }
  },
};

try {
  await readers[kind]();
} catch (error) {
  heard.error = `${error.error?.error?.type ?? error.name}: ${error.message}`;
}
console.log(JSON.stringify(heard));
