// examples/opentelemetry.mjs with the SDK itself.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { inspect } from 'node:util';
import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node';
import { json, startService } from './support/service.mjs';

const exporter = new InMemorySpanExporter();
let service;
let provider;
before(async () => {
  service = await startService();
  provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  provider.register();
  await import('../examples/opentelemetry.mjs');
});
after(async () => {
  service.close();
  await provider.shutdown();
});

test('a call is one span below the active one, and its traceparent is sent', async () => {
  const client = service.client({
    maxRetries: 1,
    [Symbol.for('parallel-account.time-scale')]: 1000,
  });
  service.answers.push((to) => json(to, 503, {}));
  const tracer = trace.getTracer('test');
  const outer = await tracer.startActiveSpan('outer', async (span) => {
    await Promise.all([client.balance.get(), client.apps.list()]);
    span.end();
    return span.spanContext();
  });
  const spans = exporter.getFinishedSpans().filter(({ name }) => name !== 'outer');
  assert.deepEqual(spans.map(({ name }) => name).sort(), [
    'parallel-account apps.list',
    'parallel-account balance.get',
  ]);
  for (const span of spans) {
    assert.equal(span.kind, SpanKind.CLIENT);
    assert.equal(span.parentSpanContext.spanId, outer.spanId);
    assert.equal(span.attributes['http.response.status_code'], 200);
    assert.equal(span.attributes['parallel.request_id'], 'req-1');
    assert.equal(span.status.code, SpanStatusCode.UNSET);
  }
  // The retry is of the same call.
  assert.equal(service.requests.length, 3);
  const sent = new Set(service.requests.map(({ headers }) => headers.traceparent));
  const expected = spans.map((span) => {
    const { traceId, spanId } = span.spanContext();
    return `00-${traceId}-${spanId}-01`;
  });
  assert.deepEqual([...sent].sort(), expected.sort());
});

test('a call that fails is a span with its error, and no secret', async () => {
  exporter.reset();
  service.answers.push((to) => json(to, 403, { detail: 'no' }));
  await assert.rejects(service.client().balance.get());
  const [span] = exporter.getFinishedSpans();
  assert.equal(span.status.code, SpanStatusCode.ERROR);
  assert.equal(span.attributes['error.type'], 'permission_denied');
  assert.equal(span.attributes['http.response.status_code'], 403);
  assert.equal(span.events[0].name, 'exception');
  const shown = inspect([span.attributes, span.events, span.status], { depth: null });
  assert.doesNotMatch(shown, /canary/);
});
