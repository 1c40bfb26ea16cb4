// The conference: a lobby, then a call, by the public SDK alone.

import {RoomError} from '/sdk/index.js';
import {Call} from './call.js';
import {Lobby} from './lobby.js';
import {$, kept, session, toast} from '/page.js';
import '/theme.js';
import {claims, takeAddress, takeToken} from '/token.js';

const REFUSED = {
  token_missing: 'This server asks for a token. Open the link you were given, or paste it here.',
  token_invalid: 'The token is not valid. Ask for a new link.',
  token_expired: 'The token has expired. Ask for a new link.',
  forbidden: 'Your token does not open this room.',
  locked: 'The room is locked: somebody inside has to open it.',
  full: 'The room is full.',
  no_room: 'There is no such room. Only a host can make one here.',
  removed: 'You were removed from the room.',
  room_closed: 'The room was closed by a host.',
  replaced: 'You joined from another place with the same link.',
  revoked: 'Your token was withdrawn.',
  shutdown: 'The server is being restarted. Join again in a moment.',
};
const explain = error => REFUSED[error?.code] ?? error?.message;

takeAddress();

const said = () => claims(session.get('token'));
const only = () => typeof said()?.room === 'string' && !/[*]/.test(said().room) ? said().room : null;

const lobby = new Lobby({
  room: session.get('room') || only() || 'demo', fixed: !!only(),
  name: session.get('name') || said()?.name || kept.get('name'),
  async join(choice) {
    if (choice.token) takeToken(choice.token);
    for (const memory of [session, kept]) memory.set('name', choice.name);
    session.set('room', choice.room);
    try {
      await Call.begin({...choice, token: session.get('token') || undefined, ended});
      document.body.classList.add('joined');
    } catch (error) {
      if (error instanceof RoomError && error.code.startsWith('token_')) {
        session.set('token', '');
        lobby.askToken();
      }
      lobby.refuse(explain(error));
    }
  },
});
lobby.open();

// Back to where it began, with the reason where it was not one's own.
function ended(error) {
  document.body.classList.remove('joined');
  document.title = 'Sluice';
  lobby.open();
  if (error && error.code !== 'left') lobby.refuse(explain(error));
  else toast('You have left the room.', 'info');
}

if (!window.isSecureContext) $('preview-note').textContent = 'Browsers give cameras to secure pages only: open this page by https://, or on localhost.';
