// The badge of a POS screen: prints a line whenever the queue to the centre changes. Ctrl-C ends it.
//   node badge.mjs
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import grpc from '@grpc/grpc-js';
import protoLoader from '@grpc/proto-loader';

const socket = process.env.TILLWIRE_SOCKET ?? '/run/tillwire/capture.sock';
// The folder that holds tillwire/v1/*.proto: wherever you keep your copy.
const protoFolder = fileURLToPath(new URL('../../../proto', import.meta.url));

const contract = protoLoader.loadSync('tillwire/v1/capture.proto', {
  includeDirs: [protoFolder],
  keepCase: true,
  longs: Number,
  enums: String,
  defaults: true,
});
const { CaptureService } = grpc.loadPackageDefinition(contract).tillwire.v1;
const agent = new CaptureService(`unix:${socket}`, grpc.credentials.createInsecure(), {
  'grpc.initial_reconnect_backoff_ms': 200, // an agent that was restarted is found soon
  'grpc.max_reconnect_backoff_ms': 1000,
});

function age(seconds) {
  if (seconds < 60) return `${seconds} s`;
  return seconds < 7200 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 3600)} h`;
}

function badge({ pending, parked, oldest_pending_seconds: oldest }) {
  const parts = [`${pending} pending`];
  if (pending > 0) parts.push(`oldest ${age(oldest)}`);
  if (parked > 0) parts.push(`${parked} parked`); // the centre refused these for now: a person must act
  return parts.join(', ');
}

for (;;) {
  try {
    // An update comes at once, then with every change. The age grows without one, so watch anew every half minute.
    for await (const { status } of agent.WatchEvents({}, { deadline: Date.now() + 30_000 })) {
      console.log(badge(status.outbox));
    }
  } catch (error) {
    if (error.code === grpc.status.DEADLINE_EXCEEDED) continue;
    console.log(`no word from the agent: ${error.details}`); // it is stopping, or not running
    await sleep(1000);
  }
}
