// Spans for OpenTelemetry: one for each call, with `traceparent` sent along. Import it where the SDK
// is set up, once per process (or thread).

import { tracingChannel } from 'node:diagnostics_channel';
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';

const tracer = trace.getTracer('parallel-account');
const spans = new WeakMap();

tracingChannel('parallel-account:call').subscribe({
  start(call) {
    const span = tracer.startSpan(`parallel-account ${call.operation}`, { kind: SpanKind.CLIENT });
    spans.set(call, span);
    propagation.inject(trace.setSpan(context.active(), span), call.headers);
  },
  error(call) {
    const span = spans.get(call);
    span?.recordException(call.error);
    span?.setStatus({ code: SpanStatusCode.ERROR, message: String(call.error?.message) });
    if (call.error?.code !== undefined) span?.setAttribute('error.type', call.error.code);
  },
  asyncEnd(call) {
    const span = spans.get(call);
    if (call.status !== undefined) span?.setAttribute('http.response.status_code', call.status);
    if (call.requestId !== undefined) span?.setAttribute('parallel.request_id', call.requestId);
    span?.end();
  },
});
