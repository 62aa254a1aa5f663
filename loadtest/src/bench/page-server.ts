import { createServer, type Server, type Socket } from 'node:net';

export const pageBytes = 2048;

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
  let begun = '';
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    const heads = (begun + chunk.toString('latin1')).split('\r\n\r\n');
    begun = heads.pop() ?? '';
    for (const _head of heads) socket.write(answer);
  });
}
