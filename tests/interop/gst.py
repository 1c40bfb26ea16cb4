#!/usr/bin/python3
"""GStreamer as a source, a picture of one colour and a tone; and as a viewer that decodes them.

usage: gst.py whip URL TOKEN VIDEO AUDIO RRGGBB HERTZ   publish by WHIP, from webrtcbin
       gst.py rtp VIDEO-PORT AUDIO-PORT RRGGBB HERTZ    plain RTP, VP8 and Opus, to UDP ports of 127.0.0.1
       gst.py whep URL TOKEN VIDEO AUDIO                watch by WHEP, and say in JSON what was seen and heard

VIDEO is one of VP8 H264 H265, AUDIO one of OPUS G722 PCMU PCMA. The first two go on until standard
input ends, the last until it has seen a second of the picture and heard half a second of sound.
"""
import array
import json
import math
import sys
import threading
import time
import urllib.parse
import urllib.request

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

VIDEO = ("videotestsrc is-live=true pattern=solid-color foreground-color=0xff{color} ! "
         "video/x-raw,width=640,height=360,framerate=25/1 ! videoconvert ! queue ! ")
# Of each codec: how it is made, and how it is shown. H.265 has a key frame at its beginning and when
# somebody asks for one, and not within this test else.
PICTURES = {
    "VP8": ("vp8enc deadline=1 cpu-used=8 keyframe-max-dist=25 target-bitrate=800000 ! "
            "rtpvp8pay picture-id-mode=15-bit", "rtpvp8depay ! avdec_vp8"),
    "H264": ("x264enc tune=zerolatency speed-preset=ultrafast key-int-max=25 bitrate=800 ! "
             "video/x-h264,profile=constrained-baseline ! rtph264pay config-interval=-1",
             "rtph264depay ! h264parse ! avdec_h264"),
    "H265": ("x265enc tune=zerolatency speed-preset=ultrafast key-int-max=1500 bitrate=800 "
             "option-string=open-gop=0 ! "
             "rtph265pay config-interval=-1 aggregate-mode=zero-latency",
             "rtph265depay ! h265parse ! avdec_h265"),
}
TONE = ("audiotestsrc is-live=true wave=sine volume=0.3 freq={hertz} ! audioconvert ! "
        "audio/x-raw,rate={rate},channels={channels} ! ")
# Payload type, clock, rate and channels, how it is made, how it is heard. G.722's clock is half its rate
# (RFC 3551 §4.5.2).
SOUNDS = {
    "OPUS": (97, 48000, 48000, 2, "opusenc ! rtpopuspay", "rtpopusdepay ! opusdec"),
    "G722": (9, 8000, 16000, 1, "avenc_g722 ! rtpg722pay", "rtpg722depay ! avdec_g722"),
    "PCMU": (0, 8000, 8000, 1, "mulawenc ! rtppcmupay max-ptime=20000000", "rtppcmudepay ! mulawdec"),
    "PCMA": (8, 8000, 8000, 1, "alawenc ! rtppcmapay max-ptime=20000000", "rtppcmadepay ! alawdec"),
}


def picture(codec, color):
    return f"{VIDEO.format(color=color)}{PICTURES[codec][0]} pt=96"


def sound(codec, hertz):
    pt, _, rate, channels, how, _ = SOUNDS[codec]
    return f"{TONE.format(hertz=hertz, rate=rate, channels=channels)}{how} pt={pt}"


def caps(codec):
    if codec in PICTURES:
        return f"application/x-rtp,media=video,encoding-name={codec},payload=96,clock-rate=90000"
    pt, clock, _, channels, _, _ = SOUNDS[codec]
    more = ",encoding-params=(string)2" if channels == 2 else ""
    return f"application/x-rtp,media=audio,encoding-name={codec},payload={pt},clock-rate={clock}{more}"


def fail(*what):
    print("gst:", *what, file=sys.stderr, flush=True)
    sys.exit(1)


class Session:
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


class Viewer:
    """Decodes what comes, and says what it was when it has seen and heard enough."""

    RATE = 8000

    def __init__(self, pipeline, done):
        self.pipeline, self.done, self.lock = pipeline, done, threading.Lock()
        self.begun = time.monotonic()
        self.frames, self.samples, self.found = 0, array.array("h"), {}
        pipeline.get_by_name("w").connect("pad-added", self.added)

    def added(self, _, pad):
        codec = pad.get_current_caps().get_structure(0).get_string("encoding-name")
        video = codec in PICTURES
        branch = Gst.parse_bin_from_description((PICTURES if video else SOUNDS)[codec][-1] + (
            " ! videoconvert ! video/x-raw,format=RGB" if video else
            f" ! audioconvert ! audioresample ! audio/x-raw,format=S16LE,rate={self.RATE},channels=1") +
            " ! appsink name=out emit-signals=true sync=false", True)
        branch.get_by_name("out").connect("new-sample", self.seen if video else self.heard)
        self.pipeline.add(branch)
        branch.sync_state_with_parent()
        pad.link(branch.get_static_pad("sink"))

    def seen(self, sink):
        sample = sink.emit("pull-sample")
        shape = sample.get_caps().get_structure(0)
        width, height = (shape.get_int(side).value for side in ("width", "height"))
        data = bytes_of(sample)
        at = len(data) // height * (height // 2) + width // 2 * 3  # lines may be padded
        self.frames += 1
        if self.frames == 1:
            self.tell(first_frame_ms=round((time.monotonic() - self.begun) * 1000),
                      first_color=list(data[at:at + 3]))
        if self.frames == 25:
            self.tell(size=f"{width}x{height}", color=list(data[at:at + 3]))
        return Gst.FlowReturn.OK

    def heard(self, sink):
        now = array.array("h", bytes_of(sink.emit("pull-sample")))
        if max(map(abs, now), default=0) > 1000 and len(self.samples) < self.RATE // 2:
            self.samples.extend(now)
            if len(self.samples) >= self.RATE // 2:
                self.tell(hertz=self.loudest())
        return Gst.FlowReturn.OK

    def loudest(self):
        """The frequency of which there is most, of all that are a multiple of 20 Hz."""
        def power(hertz):
            turn = 2 * math.pi * hertz / self.RATE
            return math.hypot(sum(v * math.cos(turn * i) for i, v in enumerate(self.samples)),
                              sum(v * math.sin(turn * i) for i, v in enumerate(self.samples)))
        return max(range(100, 2000, 20), key=power)

    def tell(self, **what):
        with self.lock:
            self.found.update(what)
            if {"color", "hertz"} <= self.found.keys():
                print(json.dumps(self.found), flush=True)
                GLib.idle_add(self.done)


def bytes_of(sample):
    buffer = sample.get_buffer()
    return buffer.extract_dup(0, buffer.get_size())


def publish(video, audio, color, hertz):
    return Gst.parse_launch(
        "webrtcbin name=w bundle-policy=max-bundle "
        f"{picture(video, color)} ! {caps(video)} ! w. "
        f"{sound(audio, hertz)} ! {caps(audio)} ! w.")


# What a viewer must say, or H.264 is taken to come in single NAL units (RFC 6184 §8.1).
def wanted(codec):
    more = ",packetization-mode=(string)1,profile-level-id=(string)42e01f" if codec == "H264" else ""
    return Gst.Caps.from_string(caps(codec) + more)


def watch(*codecs):
    pipeline, client = Gst.Pipeline(), Gst.ElementFactory.make("webrtcbin", "w")
    client.set_property("bundle-policy", GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE)
    pipeline.add(client)
    for codec in codecs:
        client.emit("add-transceiver", GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY, wanted(codec))
    return pipeline


def send_rtp(video_port, audio_port, color, hertz):
    return Gst.parse_launch(
        f"{picture('VP8', color)} ! udpsink host=127.0.0.1 port={video_port} "
        f"{sound('OPUS', hertz)} ! udpsink host=127.0.0.1 port={audio_port}")


def main():
    if len(sys.argv) < 6:
        fail(__doc__)
    Gst.init(None)
    loop = GLib.MainLoop()
    mode, *rest = sys.argv[1:]
    session = None
    if mode == "rtp":
        pipeline = send_rtp(*rest)
    else:
        url, token, *what = rest
        pipeline = publish(*what) if mode == "whip" else watch(*what)
        session = Session(pipeline, url, token)
    if mode == "whep":
        GLib.timeout_add_seconds(30, fail, "nothing more came", Viewer(pipeline, loop.quit).found)
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
