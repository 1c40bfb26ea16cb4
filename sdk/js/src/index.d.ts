export type Role = 'host' | 'participant' | 'viewer';
export type Permission = 'publish' | 'subscribe' | 'data' | 'moderate';
export type Source = 'camera' | 'microphone' | 'screen' | 'screen-audio' | (string & {});
export type Codec = 'VP8' | 'VP9' | 'H264' | 'H265' | 'AV1';

export interface Options {
  /** Of the server; that of the page unless given. */
  url?: string;
  room: string;
  /** Or what fetches a fresh one for this room, each time it is needed: after a move it is another room.
   *  Where it fails while we come back, it is called again. */
  token?: string | null | ((room: string) => string | Promise<string>);
  name?: string;
  /** What others are told of this peer; up to 4096 octets, JSON or anything else. */
  metadata?: string;
  /** false: the room has to be there already. */
  create?: boolean;
  /** false: no data channels. */
  data?: boolean;
  /** Peer connections: one for each way unless given, or one for both; Firefox has two in any case. */
  connections?: 1 | 2;
  /** false: sound of others is played only where it is attached to an element. */
  playAudio?: boolean;
  e2ee?: Encryption;
}

/** Joins a room; rejects with a RoomError where that is refused. */
export function connect(options: Options): Promise<Room>;

export type RoomState = 'idle' | 'connecting' | 'connected' | 'reconnecting' | 'closed';

export interface RoomEvents {
  /** error: why, when it is reconnecting or closed. */
  state: (state: RoomState, error: RoomError | null) => void;
  peerJoined: (peer: Peer) => void;
  peerUpdated: (peer: Peer) => void;
  peerLeft: (peer: Peer, reason: string) => void;
  meUpdated: (me: Me) => void;
  trackStarted: (track: RemoteTrack, peer: Peer) => void;
  trackUpdated: (track: RemoteTrack, peer: Peer) => void;
  trackEnded: (track: RemoteTrack, peer: Peer) => void;
  /** The loudest first; and who is the speaker of the room. */
  speakers: (speakers: {peer: Peer | Me; level: number}[], speaker: Peer | Me | null) => void;
  quality: (quality: {receive: Quality[]; send: Quality[]}) => void;
  /** from: null for the service itself. */
  data: (data: string | Uint8Array, from: Peer | null, how: {lossy: boolean}) => void;
  viewers: (count: number) => void;
  /** An operator moved us to this room: `reconnecting`, then `connected` there. */
  moved: (room: string) => void;
  roomUpdated: () => void;
  /** The browser wants a click before it plays sound: call startAudio() in it. */
  audioBlocked: () => void;
  /** The state of the path of what is sent or received. */
  path: (which: 'send' | 'receive', state: RTCPeerConnectionState) => void;
  /** What could not be done, with nobody waiting for it. */
  trouble: (error: Error) => void;
}

declare class Emitter<Events> {
  /** Returns what takes the listener away again. */
  on<K extends keyof Events>(name: K, listener: Events[K]): () => void;
  once<K extends keyof Events>(name: K, listener: Events[K]): () => void;
  off<K extends keyof Events>(name: K, listener: Events[K]): void;
}

export interface CameraOptions {
  deviceId?: string;
  /** 720p unless given. */
  size?: '180p' | '360p' | '540p' | '720p' | '1080p' | [width: number, height: number];
  fps?: number;
  facing?: 'user' | 'environment';
}
export interface MicrophoneOptions {
  deviceId?: string;
  /** false: no echo cancellation, noise suppression or gain; for music. */
  processing?: boolean;
}
export interface ScreenOptions {
  /** false: the picture alone. */
  audio?: boolean;
  fps?: number;
  /** A film: movement matters more than letters. */
  motion?: boolean;
}
export interface CodingOptions {
  /** Three sizes (simulcast) unless given; svc: layers in one stream, of VP9 (which it is unless given) and AV1. */
  how?: 'simulcast' | 'svc' | 'single';
  codec?: Codec;
  maxBps?: number;
}
export interface PublishOptions extends CodingOptions {
  source?: Source;
  name?: string;
  metadata?: string;
  muted?: boolean;
  fps?: number;
  motion?: boolean;
  /** Gives the MediaStreamTrack anew, after a mute that let go of the device. */
  acquire?: () => Promise<MediaStreamTrack>;
}
export interface SendOptions {
  /** All who have the channel unless given; 32 at most. */
  to?: (Peer | string)[];
  lossy?: boolean;
}

export class Room extends Emitter<RoomEvents> {
  constructor(options: Options);
  readonly state: RoomState;
  readonly name: string;
  readonly metadata: string;
  readonly locked: boolean;
  /** How many only watch. */
  readonly viewers: number;
  readonly me: Me | null;
  /** The others, by id. */
  readonly peers: ReadonlyMap<string, Peer>;
  readonly speaker: Peer | Me | null;
  readonly published: LocalTrack[];
  /** With `connections: 1` both are the same. */
  readonly connections: {send: RTCPeerConnection | null; receive: RTCPeerConnection | null};

  connect(): Promise<this>;
  leave(): Promise<void>;
  can(permission: Permission): boolean;

  publishCamera(options?: CameraOptions & PublishOptions): Promise<LocalTrack>;
  publishMicrophone(options?: MicrophoneOptions & PublishOptions): Promise<LocalTrack>;
  /** The picture, and the sound where there is one. */
  publishScreen(options?: ScreenOptions & PublishOptions): Promise<LocalTrack[]>;
  publish(media: MediaStreamTrack, options?: PublishOptions): Promise<LocalTrack>;
  unpublish(track: LocalTrack): Promise<void>;

  /** Waits while too much is on its way; false: a lossy message was not sent. */
  send(data: string | ArrayBuffer | ArrayBufferView, options?: SendOptions): Promise<boolean>;
  update(me: {name?: string; metadata?: string}): Promise<unknown>;

  /** For hosts. */
  setLocked(locked: boolean): Promise<unknown>;
  setMetadata(metadata: string): Promise<unknown>;
  /** Who only watches, of those who signal: to give another role, or to remove. Ask again after 'viewers'. */
  watchers(): Promise<Peer[]>;
  /** Everybody is sent away. */
  close(): Promise<unknown>;

  startAudio(): Promise<void>;
  setSpeaker(deviceId: string | null): Promise<void>;
  stats(): Promise<Stats>;
  restartIce(): void;
}

export interface Me {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly metadata: string;
  readonly permissions: Permission[];
  readonly tracks: ReadonlyMap<string, LocalTrack>;
}

export interface PeerEvents {
  updated: () => void;
  /** level in dBov; null: silent. */
  speaking: (level: number | null) => void;
  left: (reason: string) => void;
}

export class Peer extends Emitter<PeerEvents> {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly metadata: string;
  readonly tracks: ReadonlyMap<string, RemoteTrack>;
  readonly level: number | null;
  readonly speaking: boolean;
  /** The first from this source. */
  track(source: Source): RemoteTrack | null;
  /** For hosts. */
  remove(reason?: string): Promise<unknown>;
  setRole(role: Role): Promise<unknown>;
}

export interface LocalTrackEvents {
  /** by: another peer, '' for the service and where we were away meanwhile, null for oneself. */
  muted: (by: string | null) => void;
  unmuted: () => void;
  /** The service took a mute back. Nothing is heard or seen until unmute(): ask the person. */
  unmuteAsked: (by: string) => void;
  /** The device went, the person stopped sharing, or it may not be sent any more. */
  ended: () => void;
  /** The rids that somebody watches. */
  wanted: (encodings: string[]) => void;
}

export class LocalTrack extends Emitter<LocalTrackEvents> {
  readonly id: string | null;
  readonly kind: 'audio' | 'video';
  readonly source: Source;
  readonly media: MediaStreamTrack | null;
  readonly muted: boolean;
  readonly mutedBy: string | null;
  /** release: let go of the device; a camera does unless told otherwise. */
  mute(options?: {release?: boolean}): Promise<void>;
  unmute(): Promise<void>;
  replace(media: MediaStreamTrack, acquire?: () => Promise<MediaStreamTrack>): Promise<void>;
  /** A preview. */
  attach<E extends HTMLMediaElement = HTMLVideoElement>(element?: E): E;
  detach(element?: HTMLMediaElement): void;
}

export interface Wish {
  width?: number | null;
  height?: number | null;
  fps?: number | null;
  /** 0 to 255: who is served first where not all fits. */
  priority?: number | null;
  paused?: boolean | null;
}

/** What is sent of a track, and what keeps it from more. */
export interface Quality {
  track: string;
  cause: string;
  estimate_bps?: number;
  [member: string]: unknown;
}

export interface RemoteTrackEvents {
  media: (media: MediaStreamTrack | null) => void;
  updated: () => void;
  quality: (quality: Quality) => void;
  /** false: it is encrypted with a key that is not ours. */
  readable: (readable: boolean) => void;
  ended: () => void;
}

export class RemoteTrack extends Emitter<RemoteTrackEvents> {
  readonly id: string;
  readonly peer: Peer;
  readonly kind: 'audio' | 'video';
  readonly source: Source;
  readonly name: string;
  readonly metadata: string;
  readonly muted: boolean;
  readonly media: MediaStreamTrack | null;
  readonly quality: Quality | null;
  readonly readable: boolean;
  readonly subscribed: boolean;
  readonly elements: HTMLMediaElement[];
  /** The size that is sent follows that of the element, and whether it can be seen. */
  attach<E extends HTMLMediaElement = HTMLVideoElement>(element?: E): E;
  detach(element?: HTMLMediaElement): void;
  want(wish: Wish): void;
  subscribe(on?: boolean): Promise<void>;
  /** For hosts: only its owner turns it on again. */
  mute(): Promise<unknown>;
}

export interface Measures {
  codec?: string;
  bps?: number;
  /** 0 to 1. */
  loss?: number;
  width?: number;
  height?: number;
  fps?: number;
  /** In ms. */
  jitter?: number;
  audioLevel?: number;
  freezeCount?: number;
  totalFreezesDuration?: number;
  qualityLimitationReason?: string;
  framesDecoded?: number;
  framesEncoded?: number;
  encodings: {rid: string; active?: boolean; width?: number; height?: number}[];
}
export interface Stats {
  /** Round trips in ms. */
  send: {rtt?: number; available?: number};
  receive: {rtt?: number};
  tracks: Map<LocalTrack | RemoteTrack, Measures>;
}

export class Encryption extends Emitter<{readable: (id: string, readable: boolean) => void}> {
  /** worker: one of e2ee/worker.js of your own making. */
  constructor(options?: {worker?: Worker});
  static readonly supported: boolean;
  /** Material of 32 octets. index: 0 to 15; use: to send with it from now on. */
  setKey(material: Uint8Array, options?: {index?: number; use?: boolean}): Promise<void>;
  setPassphrase(words: string, options?: {salt?: string; index?: number; use?: boolean}): Promise<void>;
  /** The next key, made of the present one; receivers follow by themselves. */
  ratchet(): Promise<void>;
  close(): void;
}

export class RoomError extends Error {
  readonly code: string;
  /** Whether asking again may succeed. */
  readonly passing: boolean;
}

export type DeviceCode = 'denied' | 'denied_by_system' | 'busy' | 'too_many' | 'none' | 'gone' | 'cancelled' |
  'insecure' | 'unsupported' | 'failed';

/** Its message is a sentence for people. */
export class DeviceError extends Error {
  readonly code: DeviceCode;
  readonly what: 'camera' | 'microphone' | 'screen';
}

export declare namespace devices {
  function camera(options?: CameraOptions): Promise<MediaStreamTrack>;
  function microphone(options?: MicrophoneOptions): Promise<MediaStreamTrack>;
  function screen(options?: ScreenOptions): Promise<{video: MediaStreamTrack; audio?: MediaStreamTrack}>;
  function list(what: 'camera' | 'microphone' | 'speaker'): Promise<{id: string; label: string}[]>;
  /** Returns what ends it. */
  function watch(changed: () => void): () => void;
}
