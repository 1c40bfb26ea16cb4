// Ports for servers that must be told theirs before they open them.

import dgram from 'node:dgram';
import net from 'node:net';

const FIRST = 12000, PORTS = 20000;

const opens = (socket, open, event) => new Promise(resolve => {
  socket.once('error', () => resolve(false)).once(event, () => socket.close(() => resolve(true)));
  open(socket);
});

const given = new Set();

// Free for UDP and TCP; and below those that the kernel hands out (ip_local_port_range), so that
// nobody's outgoing connection gets it meanwhile.
export async function freePort() {
  for (let tries = 0; tries < 1000; tries++) {
    const port = FIRST + Math.floor(Math.random() * PORTS);
    if (!given.has(port) && given.add(port) && await opens(dgram.createSocket('udp6'), s => s.bind(port), 'listening') &&
      await opens(net.createServer(), s => s.listen(port), 'listening')) return port;
  }
  throw new Error('no port is free');
}
