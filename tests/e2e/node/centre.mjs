// Stands in for the centre, after docs/wire-protocol.md: greets agents, checks each record's hash and links itself, and
// accepts it. It keeps everything in memory.
//   node centre.mjs
// Prints "listening PORT", then one line of JSON for each record. Ends on SIGTERM.
import { createHash } from 'node:crypto';
import { grpc, loadContract, storeEventReader } from './contracts.mjs';

const { IngestionService } = loadContract('ingestion');
const readStoreEvent = storeEventReader();
const noHash = Buffer.alloc(32);

function uint64(text) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(text));
  return bytes;
}

// SHA-256 over the fields, each with its length before it.
function hashOf(...fields) {
  const digest = createHash('sha256');
  for (const field of fields) {
    const bytes = Buffer.from(field);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    digest.update(length).update(bytes);
  }
  return digest.digest();
}

function recordHash(epoch, record) {
  const before = record.lane_predecessor ?? { epoch: '0', sequence: '0', hash: noHash };
  const content = createHash('sha256').update(record.event).digest();
  return hashOf('tillwire.v1.record', uint64(epoch), uint64(record.sequence), record.lane, uint64(before.epoch),
    uint64(before.sequence), before.hash, record.previous_hash, content);
}

function genesisHash(store, terminal, epoch) {
  return hashOf('tillwire.v1.genesis', store, terminal, uint64(epoch), noHash);
}

const records = new Map(); // "epoch/sequence" -> hash

function accept(hello, epoch, record) {
  const name = `${epoch}/${record.sequence}`;
  const known = records.get(name);
  if (known) {
    const same = known.equals(record.hash);
    return { sequence: record.sequence, disposition: `RECORD_DISPOSITION_${same ? 'DUPLICATE' : 'CONFLICT'}` };
  }
  const before = record.lane_predecessor;
  const link = record.sequence === '1'
    ? genesisHash(hello.store_id, hello.terminal_id, epoch)
    : records.get(`${epoch}/${BigInt(record.sequence) - 1n}`);
  const event = readStoreEvent(record.event);
  const checks = {
    hash: recordHash(epoch, record).equals(record.hash),
    link: link !== undefined && link.equals(record.previous_hash),
    lane: !before || (records.get(`${before.epoch}/${before.sequence}`)?.equals(before.hash) ?? false),
  };
  records.set(name, record.hash);
  console.log(JSON.stringify({ epoch, sequence: record.sequence, lane: record.lane, checks, event }));
  return { sequence: record.sequence, disposition: 'RECORD_DISPOSITION_ACCEPTED' };
}

function greet(stream) {
  stream.write({
    welcome: {
      epochs: [],
      ledger_incarnation: 'node',
      limits: { max_batch_records: 64, max_batch_bytes: 262_144, window_batches: 2 },
      server_time: { seconds: Math.floor(Date.now() / 1000), nanos: 0 },
    },
  });
}

function writeBack(stream) {
  let hello = null;
  stream.on('data', (request) => {
    if (request.message === 'hello') {
      hello = request.hello;
      greet(stream);
    } else if (request.message === 'batch') {
      const { batch_id, epoch } = request.batch;
      stream.write({
        batch_result: { batch_id, results: request.batch.records.map((record) => accept(hello, epoch, record)) },
      });
    }
  });
  stream.on('end', () => stream.end());
  stream.on('error', () => {});
}

const server = new grpc.Server();
server.addService(IngestionService.service, { WriteBack: writeBack });
server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) {
    throw error;
  }
  console.log(`listening ${port}`);
});
process.on('SIGTERM', () => {
  server.forceShutdown();
  process.exit(0);
});
