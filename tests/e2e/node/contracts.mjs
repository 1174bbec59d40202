// Loads Tillwire's contracts from the .proto files, as any team would that has nothing else of Tillwire.
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
export const grpc = require('@grpc/grpc-js');
const protoLoader = require('@grpc/proto-loader');
const protobuf = require('protobufjs');

const protoFolder = fileURLToPath(new URL('../../../proto', import.meta.url));

// The services and messages of one file. 64-bit numbers come as decimal text, enums as their names.
export function loadContract(name) {
  const definition = protoLoader.loadSync(`tillwire/v1/${name}.proto`, {
    includeDirs: [protoFolder],
    keepCase: true,
    longs: String,
    enums: String,
    defaults: true,
    oneofs: true,
  });
  return grpc.loadPackageDefinition(definition).tillwire.v1;
}

// A function that reads the bytes of a StoreEvent.
export function storeEventReader() {
  const root = new protobuf.Root();
  root.resolvePath = (origin, target) => (protobuf.common.get(target) ? target : `${protoFolder}/${target}`);
  root.loadSync('tillwire/v1/event.proto', { keepCase: true });
  const type = root.lookupType('tillwire.v1.StoreEvent');
  return (bytes) => type.toObject(type.decode(bytes), { longs: String, enums: String });
}

// The value after --name on the command line.
export function argument(name) {
  const place = process.argv.indexOf(`--${name}`);
  if (place < 0 || place + 1 >= process.argv.length) {
    throw new Error(`--${name} VALUE is missing`);
  }
  return process.argv[place + 1];
}
