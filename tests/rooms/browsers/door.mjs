// Stands before a server's public face, and is as networks are: open, shut, or dead without a word.

import net from 'node:net';

export async function door(server) {
  const {port} = new URL(server.origin), sockets = new Set();
  let way = 'open';
  const through = front => {
    const back = net.connect(port, '127.0.0.1');
    front.held = false;
    front.back = back;
    for (const [from, to] of [[front, back], [back, front]]) from.on('error', () => {}).on('close', () => to.destroy()).pipe(to);
  };
  const listener = net.createServer(front => {
    front.on('error', () => {}).on('close', () => sockets.delete(front));
    if (way === 'shut') return front.destroy();
    sockets.add(front);
    front.held = way === 'held';
    if (!front.held) through(front);
  });
  await new Promise(r => listener.listen(0, '127.0.0.1', r));
  const d = {
    origin: `http://127.0.0.1:${listener.address().port}`,
    // Who comes is let in, turned away, or left waiting: 'open', 'shut', 'held'.
    is: how => { way = how; },
    held: () => [...sockets].filter(s => s.held),
    through,
    cut: () => sockets.forEach(s => s.destroy()),
    // Who is in is heard no more, and hears nothing.
    deaden: () => sockets.forEach(s => [s, s.back].forEach(x => x.unpipe().pause())),
    close: () => {
      d.cut();
      listener.close();
    },
  };
  return d;
}
