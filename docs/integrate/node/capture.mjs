// Cancels one order at the till, and does the right thing with every answer.
//   node capture.mjs ORDER_ID TRANSACTION_NUMBER [PATIENCE_SECONDS]
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import grpc from '@grpc/grpc-js';
import protoLoader from '@grpc/proto-loader';

const [orderId, transaction, patienceSeconds = '15'] = process.argv.slice(2);
const socket = process.env.TILLWIRE_SOCKET ?? '/run/tillwire/capture.sock';
// The folder that holds tillwire/v1/*.proto: wherever you keep your copy.
const protoFolder = fileURLToPath(new URL('../../../proto', import.meta.url));

const contract = protoLoader.loadSync('tillwire/v1/capture.proto', {
  includeDirs: [protoFolder],
  keepCase: true,
  longs: String,
  enums: String,
  defaults: true,
});
const { CaptureService } = grpc.loadPackageDefinition(contract).tillwire.v1;
const agent = new CaptureService(`unix:${socket}`, grpc.credentials.createInsecure(), {
  'grpc.initial_reconnect_backoff_ms': 200, // an agent that was restarted is found soon
  'grpc.max_reconnect_backoff_ms': 1000,
});

// One attempt. On disk it takes milliseconds; the deadline is for a disk that hangs.
function captureOnce(request) {
  return new Promise((resolve) => {
    agent.CaptureEvent(request, { deadline: Date.now() + 5000 }, (error, answer) => resolve({ error, answer }));
  });
}

// Returns { exitCode, text }: 0 recorded, 1 or 2 not recorded by a mistake of ours, 3 not recorded, 4 unknown.
async function capture(request) {
  const giveUpTime = Date.now() + 1000 * Number(patienceSeconds);
  for (let pause = 100; ; pause = Math.min(2 * pause, 2000)) {
    const { error, answer } = await captureOnce(request);
    if (!error) {
      return { exitCode: 0, text: `recorded ${answer.event_id}${answer.repeated ? ' (by an earlier attempt)' : ''}` };
    }
    const text = `${grpc.status[error.code]}: ${error.details}`;
    switch (error.code) {
      case grpc.status.INVALID_ARGUMENT: // the text names the field and the remedy: a mistake in this program
        return { exitCode: 2, text: `not recorded, ${text}` };
      case grpc.status.ALREADY_EXISTS: // this key stands for something else: another mistake
        return { exitCode: 1, text: `not recorded, ${text}` };
      case grpc.status.RESOURCE_EXHAUSTED: // no room, or a damaged disk: tell the associate, and call support
      case grpc.status.DATA_LOSS:
        return { exitCode: 3, text: `not recorded, ${text}` };
      default: // no agent, a broken connection, a deadline: it may be recorded or not. Repeat with the same key
        if (Date.now() + pause > giveUpTime) {
          return { exitCode: 4, text: `unknown whether it is recorded, ${text}` }; // keep it, repeat it later
        }
        console.error(`no answer yet, ${text}; repeating with the same key`);
        await sleep(pause);
    }
  }
}

const { exitCode, text } = await capture({
  // One key for one action, the same for every repeat of it, also after a restart of this program.
  idempotency_key: `pos-${transaction}-cancel`,
  operator_id: '117',
  transaction_sequence_number: transaction,
  order_cancellation: {
    order_id: orderId,
    scope: 'CANCELLATION_SCOPE_WHOLE_ORDER',
    initiator: 'CANCELLATION_INITIATOR_CUSTOMER',
    reason: 'CANCELLATION_REASON_CUSTOMER_REQUEST',
    release_policy: 'RELEASE_POLICY_ON_PUT_BACK',
  },
});
console.log(text);
process.exit(exitCode);
