// A back end that checks what it is told, answers as it is set to, and can be away.

import crypto from 'node:crypto';
import http from 'node:http';
import {freePort} from '../browser/ports.mjs';
import {until} from '../browser/until.mjs';

export const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

export class BackEnd {
  heard = [];
  answer = 204;
  wrong = 0;
  async start() {
    this.server = http.createServer((req, res) => {
      let body = '';
      req.on('data', d => { body += d; }).on('end', () => {
        const [id, at, signature] = ['id', 'timestamp', 'signature'].map(k => req.headers[`webhook-${k}`]);
        const want = crypto.createHmac('sha256', Buffer.from(SECRET.slice('whsec_'.length), 'base64'))
          .update(`${id}.${at}.${body}`).digest('base64');
        if (signature !== `v1,${want}` || Math.abs(Date.now() / 1000 - at) > 300) this.wrong++;
        if (this.answer === 0) return; // for ever
        for (const e of this.answer < 300 ? JSON.parse(body).events : [])
          if (e.id > (this.heard.at(-1)?.id ?? '')) this.heard.push(e);
        res.writeHead(this.answer).end();
      });
    });
    this.port ??= await freePort(); // it is away at times, and comes back to the same
    await new Promise(r => this.server.listen(this.port, '127.0.0.1', r));
  }
  stop() {
    this.server.closeAllConnections();
    return new Promise(r => this.server.close(r));
  }
  types() { return this.heard.map(e => e.room ? `${e.type} ${e.room}` : e.type); }
  until(...want) {
    return until(want.join(), () => ({ok: want.every(w => this.types().includes(w)), heard: this.types()}));
  }
}
