import type { AddressInfo } from 'node:net';
import { createPageServer } from '../page-server.js';

// A process of its own: what it costs is not the platform's.
const server = createPageServer();
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
