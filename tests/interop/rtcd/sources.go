package main

import (
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// What is published: packets of one size at a steady pace, as a microphone or a screen gives them. A
// picture is a key frame when somebody asked for one.
type source struct {
	*webrtc.TrackLocalStaticRTP
	stop   chan struct{}
	wanted atomic.Bool
	losing atomic.Int32 // so many requests for a key frame do not come
}

func newSource(codec, stream string) (*source, error) {
	t, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: codec}, newID(), stream)
	return &source{TrackLocalStaticRTP: t, stop: make(chan struct{})}, err
}

// Sends a frame of so many packets each so often, until stopped.
func (s *source) play(every time.Duration, packets, octets int, clock uint32) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	p := rtp.Packet{Header: rtp.Header{Version: 2}}
	for {
		select {
		case <-s.stop:
			return
		case <-tick.C:
		}
		key := s.wanted.Swap(false)
		for i := 0; i < packets; i++ {
			p.Payload = make([]byte, octets)
			if s.Codec().MimeType == webrtc.MimeTypeVP8 {
				vp8(p.Payload, i == 0, key)
			} else {
				p.Payload[0] = 0x78 // Opus, CELT, 20 ms
			}
			p.Marker = packets > 1 && i == packets-1
			p.SequenceNumber++
			_ = s.WriteRTP(&p)
		}
		p.Timestamp += uint32(every.Seconds() * float64(clock))
	}
}

// Hears what the server asks of the sender, until that ends.
func (s *source) obey(sender *webrtc.RTPSender) {
	for {
		packets, _, err := sender.ReadRTCP()
		if err != nil {
			return
		}
		for _, p := range packets {
			switch p.(type) {
			case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
				if s.losing.Load() > 0 {
					s.losing.Add(-1)
				} else {
					s.wanted.Store(true)
				}
			}
		}
	}
}

// The payload descriptor (RFC 7741) and the head of a frame.
func vp8(payload []byte, first, key bool) {
	if !first {
		return
	}
	payload[0] = 0x10 // the start of the first partition
	if key {
		copy(payload[1:], []byte{0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0})
	} else {
		payload[1] = 0x11
	}
}

// In a second: 80 kbit/s of speech, 1.6 Mbit/s of a screen in 20 pictures.
const (
	voicePackets  = 50
	screenPackets = 180
)

func (s *source) voice()  { s.play(20*time.Millisecond, 1, 200, 48000) }
func (s *source) screen() { s.play(50*time.Millisecond, 9, 1150, 90000) }
