import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { connectionFault, tlsFault } from './faults.js';
import type { Address } from './link.js';
import type { KafkaSettings } from './settings.js';

/** A socket to a broker that is ready for requests; with TLS, one whose certificate was checked. */
export function dial(address: Address, settings: KafkaSettings): Promise<Socket> {
  const { host, port } = address;
  const { tls, connectTimeoutMs } = settings;
  return new Promise((resolve, reject) => {
    const servername = isIP(host) === 0 ? { servername: host } : {};
    const socket =
      tls === undefined
        ? connectTcp({ host, port })
        : connectTls({ host, port, ...servername, ...tls });
    const refuse = (cause?: unknown) => {
      clearTimeout(timer);
      socket.destroy();
      reject(tls === undefined ? unreached(cause) : unsecured(socket as TLSSocket, address, cause));
    };
    const timer = setTimeout(refuse, connectTimeoutMs);
    socket.once('error', refuse);
    socket.once(tls === undefined ? 'connect' : 'secureConnect', () => {
      clearTimeout(timer);
      socket.off('error', refuse);
      // Requests are small and somebody waits for each.
      socket.setNoDelay(true);
      socket.setKeepAlive(true, 10_000);
      resolve(socket);
    });
  });
}

function unreached(cause: unknown): Error {
  return connectionFault('A broker cannot be reached.', cause);
}

/** A fault of TLS stays until somebody changes a setting; anything else is of the network. */
function unsecured(socket: TLSSocket, address: Address, cause: unknown): Error {
  // Set only where the certificate, or the name in it, was refused.
  if (socket.authorizationError) {
    return tlsFault('The certificate of a broker is not trusted', address, cause);
  }
  if (isOfTls(cause)) return tlsFault('A broker does not agree on TLS', address, cause);
  const wasConnected = cause !== undefined && !('syscall' in (cause as object));
  if (!wasConnected) return unreached(cause);
  // So does a broker that dies at this moment: in doubt it is tried again.
  const what = 'A broker closed the connection before TLS began; a port without TLS does that.';
  return connectionFault(what, cause);
}

/** OpenSSL's own faults; those of sockets are called `ECONNRESET` and the like. */
export function isOfTls(cause: unknown): boolean {
  const { code } = (cause ?? {}) as { code?: unknown };
  return typeof code === 'string' && /^ERR_(SSL|TLS)_/.test(code);
}

/** The first bytes of an alert (RFC 8446, section 6): the answer of a port that speaks TLS. */
export function isTlsAlert(chunk: Buffer): boolean {
  return chunk[0] === 0x15 && chunk[1] === 0x03;
}
