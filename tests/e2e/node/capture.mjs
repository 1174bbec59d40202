// An independent POS application: captures orders' cancellations and the bin clears after them over the agent's socket.
//   node capture.mjs --socket PATH --orders N
// Prints one line of JSON for each call: what was asked, and how the agent answered.
import { argument, grpc, loadContract } from './contracts.mjs';

const { CaptureService } = loadContract('capture');
const client = new CaptureService(`unix:${argument('socket')}`, grpc.credentials.createInsecure());

function call(method, request) {
  return new Promise((resolve) => {
    client[method](request, { deadline: Date.now() + 10_000 }, (error, response) => {
      resolve(error ? { code: grpc.status[error.code], message: error.details } : { code: 'OK', ...response });
    });
  });
}

async function capture(what, request) {
  const answer = await call('CaptureEvent', request);
  console.log(JSON.stringify({ what, key: request.idempotency_key, ...answer }));
  return answer;
}

function cancellation(number, quantity = 2) {
  return {
    idempotency_key: `node-cancel-${number}`,
    operator_id: 'A1042',
    business_day_date: '2026-03-14',
    order_cancellation: {
      order_id: `W-${700_000 + number}`,
      external_order_ids: { storefront: `GB-${100_000 + number}` },
      scope: 'CANCELLATION_SCOPE_WHOLE_ORDER',
      lines: [{ line_id: '1', sku: '30012345', gtin: '4012345123456', quantity }],
      initiator: 'CANCELLATION_INITIATOR_CUSTOMER',
      reason: 'CANCELLATION_REASON_CUSTOMER_REQUEST',
      note: 'Größe passt nicht',
      release_policy: 'RELEASE_POLICY_ON_PUT_BACK',
      staging_location_ids: [`STG-A-${number}`],
    },
  };
}

function clear(number, cancellationEventId) {
  return {
    idempotency_key: `node-clear-${number}`,
    operator_id: 'A1042',
    staging_bin_clear: {
      staging_location_id: `STG-A-${number}`,
      cancellation_event_id: cancellationEventId,
      clear_reason: 'CLEAR_REASON_ORDER_CANCELLED',
      lines: [{ sku: '30012345', expected_quantity: 2, counted_quantity: 2, disposition: 'DISPOSITION_SELLABLE' }],
      bin_empty_confirmed: true,
    },
  };
}

const orders = Number(argument('orders'));
for (let number = 1; number <= orders; ++number) {
  const cancelled = await capture('cancellation', cancellation(number));
  await capture('clear', clear(number, cancelled.event_id));
}
await capture('repeat', cancellation(1));
await capture('same key, other content', cancellation(1, 3));
await capture('quantity of zero', { ...cancellation(0, 0), idempotency_key: 'node-zero' });
console.log(JSON.stringify({ what: 'status', ...(await call('GetAgentStatus', {})) }));
client.close();
