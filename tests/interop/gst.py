#!/usr/bin/python3
"""GStreamer as a source: a picture of one colour and a tone.

usage: gst.py whip URL TOKEN VP8|H264 RRGGBB HERTZ      publish by WHIP, from webrtcbin
       gst.py rtp VIDEO-PORT AUDIO-PORT RRGGBB HERTZ    plain RTP to UDP ports of 127.0.0.1

Both go on until standard input ends.
"""
import sys
import threading
import urllib.parse
import urllib.request

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

VIDEO = ("videotestsrc is-live=true pattern=solid-color foreground-color=0xff{color} ! "
         "video/x-raw,width=640,height=360,framerate=25/1 ! videoconvert ! queue ! ")
CODECS = {
    "VP8": "vp8enc deadline=1 cpu-used=8 keyframe-max-dist=25 target-bitrate=800000 ! "
           "rtpvp8pay picture-id-mode=15-bit pt=96",
    "H264": "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=25 bitrate=800 ! "
            "video/x-h264,profile=constrained-baseline ! rtph264pay config-interval=-1 pt=96",
}
AUDIO = ("audiotestsrc is-live=true wave=sine volume=0.3 freq={hertz} ! audioconvert ! "
         "audio/x-raw,rate=48000,channels=2 ! opusenc ! rtpopuspay pt=97")


def fail(what):
    print(f"gst: {what}", file=sys.stderr, flush=True)
    sys.exit(1)


class Whip:
    """One session: the offer when it is complete, the answer, and DELETE at the end."""

    def __init__(self, pipeline, url, token):
        self.url, self.token, self.session = url, token, None
        self.bin = pipeline.get_by_name("w")
        self.bin.connect("on-negotiation-needed", self.negotiate)
        self.bin.connect("notify::ice-gathering-state", self.gathered)
        self.bin.connect("notify::connection-state", lambda *_: print(
            f"gst: {self.bin.get_property('connection-state').value_nick}", file=sys.stderr, flush=True))

    def ask(self, method, url, body=b""):
        request = urllib.request.Request(url, data=body, method=method, headers={
            "Authorization": f"Bearer {self.token}", "Content-Type": "application/sdp"})
        return urllib.request.urlopen(request, timeout=10)

    def negotiate(self, _):
        self.bin.emit("create-offer", None, Gst.Promise.new_with_change_func(self.offered))

    def offered(self, promise):
        reply = promise.get_reply()  # must live as long as what is read from it
        offer = reply.get_value("offer")
        # The bin takes the description it is given, so it gets one of its own.
        _, own = GstSdp.SDPMessage.new_from_text(offer.sdp.as_text())
        self.bin.emit("set-local-description", GstWebRTC.WebRTCSessionDescription.new(
            GstWebRTC.WebRTCSDPType.OFFER, own), Gst.Promise.new())

    def gathered(self, *_):
        done = GstWebRTC.WebRTCICEGatheringState.COMPLETE
        if self.bin.get_property("ice-gathering-state") == done and not self.session:
            self.session = "asked"
            threading.Thread(target=self.post, daemon=True).start()

    def post(self):
        try:
            local = self.bin.get_property("local-description")
            offer = local.sdp.as_text()
            with self.ask("POST", self.url, offer.encode()) as response:
                self.session = urllib.parse.urljoin(self.url, response.headers["Location"])
                answer = response.read().decode()
        except OSError as error:
            body = getattr(error, "read", lambda: b"")()
            print(f"gst: {error} {body.decode()}", file=sys.stderr, flush=True)
            GLib.idle_add(lambda: sys.exit(1))
            return
        _, sdp = GstSdp.SDPMessage.new_from_text(answer)
        self.bin.emit("set-remote-description", GstWebRTC.WebRTCSessionDescription.new(
            GstWebRTC.WebRTCSDPType.ANSWER, sdp), Gst.Promise.new())

    def end(self):
        if self.session:
            self.ask("DELETE", self.session).close()


def main():
    if len(sys.argv) < 6:
        fail(__doc__)
    Gst.init(None)
    mode, *rest = sys.argv[1:]
    session = None
    if mode == "whip":
        url, token, codec, color, hertz = rest
        video, audio = VIDEO.format(color=color), AUDIO.format(hertz=hertz)
        caps = "application/x-rtp,media={},encoding-name={},payload={},clock-rate={}"
        pipeline = Gst.parse_launch(
            "webrtcbin name=w bundle-policy=max-bundle "
            f"{video}{CODECS[codec]} ! {caps.format('video', codec, 96, 90000)} ! w. "
            f"{audio} ! {caps.format('audio', 'OPUS', 97, 48000)},encoding-params=(string)2 ! w.")
        session = Whip(pipeline, url, token)
    else:
        video_port, audio_port, color, hertz = rest
        pipeline = Gst.parse_launch(
            f"{VIDEO.format(color=color)}{CODECS['VP8']} ! udpsink host=127.0.0.1 port={video_port} "
            f"{AUDIO.format(hertz=hertz)} ! udpsink host=127.0.0.1 port={audio_port}")
    loop = GLib.MainLoop()
    bus = pipeline.get_bus()
    bus.add_signal_watch()
    bus.connect("message::error", lambda _, m: fail(m.parse_error()[0].message))
    threading.Thread(target=lambda: (sys.stdin.read(), loop.quit()), daemon=True).start()
    pipeline.set_state(Gst.State.PLAYING)
    loop.run()
    if session:
        session.end()
    pipeline.set_state(Gst.State.NULL)


main()
