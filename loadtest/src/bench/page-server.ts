import { createServer, type Server, type Socket } from 'node:net';

export const pageBytes = 2048;

const headEnd = Buffer.from('\r\n\r\n');
const page = Buffer.alloc(pageBytes, 'A page of two kilobytes. ');
const answer = Buffer.concat([
  Buffer.from(
    `HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: ${page.length}\r\n\r\n`,
  ),
  page,
]);

/** An origin that costs next to nothing. */
export function createPageServer(): Server {
  return createServer(serve);
}

/** The same page for every request: GETs without a body, each of which ends with an empty line. */
function serve(socket: Socket): void {
  // The last bytes of a head that has begun: its empty line may come in two pieces.
  let begun: Buffer | undefined;
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    const bytes = begun === undefined ? chunk : Buffer.concat([begun, chunk]);
    let from = 0;
    for (let end = bytes.indexOf(headEnd); end >= 0; end = bytes.indexOf(headEnd, from)) {
      from = end + headEnd.length;
      socket.write(answer);
    }
    begun = from === bytes.length ? undefined : bytes.subarray(from);
  });
}
