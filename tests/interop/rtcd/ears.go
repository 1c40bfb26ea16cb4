package main

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/pion/webrtc/v4"
)

// The tracks that somebody receives, by their ids.
type ears struct {
	mu     sync.Mutex
	tracks map[string]*heard
}

// A remote track.
type heard struct {
	id, stream string
	ssrc       uint32
	codec      string
	packets    int
	keys       int // packets that begin a key frame, of VP8
	largest    int // octets of a payload, lately
	last       time.Time
}

func (e *ears) listen(t *webrtc.TrackRemote) {
	h := &heard{id: t.ID(), stream: t.StreamID(), ssrc: uint32(t.SSRC()), codec: t.Codec().MimeType}
	e.mu.Lock()
	if e.tracks == nil {
		e.tracks = map[string]*heard{}
	}
	e.tracks[h.id] = h
	e.mu.Unlock()
	go func() {
		for {
			p, _, err := t.ReadRTP()
			if err != nil {
				return
			}
			e.mu.Lock()
			h.packets++
			if h.codec == webrtc.MimeTypeVP8 && beginsKey(p.Payload) {
				h.keys++
			}
			h.largest = len(p.Payload)
			h.last = time.Now()
			e.mu.Unlock()
		}
	}()
}

// What is heard of the sender's track of that type: nil if nothing is.
func (e *ears) of(kind, sender string) *heard {
	e.mu.Lock()
	defer e.mu.Unlock()
	var found *heard
	for id, h := range e.tracks {
		if strings.HasPrefix(id, kind+"_"+sender+"_") && (found == nil || h.last.After(found.last)) {
			copied := *h
			found = &copied
		}
	}
	return found
}

// Of all of it, in packets.
func (e *ears) received() (sum float64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, h := range e.tracks {
		sum += float64(h.packets)
	}
	return sum
}

// What a machine without a spare moment may take for anything.
const wait = 30 * time.Second

// Waits until it holds, at most so long.
func until(limit time.Duration, what string, holds func() bool) error {
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if holds() {
			return nil
		}
	}
	return fmt.Errorf("not within %v: %s", limit, what)
}

// Waits for more packets of the track.
func (e *ears) hears(kind, sender string) error {
	before := 0
	if h := e.of(kind, sender); h != nil {
		before = h.packets
	}
	return until(wait, fmt.Sprintf("%s of %s is heard", kind, sender), func() bool {
		h := e.of(kind, sender)
		return h != nil && h.packets >= before+10
	})
}

// Nothing of the track comes for a while, once what was under way has come.
func (e *ears) silent(kind, sender string) error {
	heard := func() int {
		if h := e.of(kind, sender); h != nil {
			return h.packets
		}
		return 0
	}
	before, since := heard(), time.Now()
	return until(wait, fmt.Sprintf("%s of %s falls silent", kind, sender), func() bool {
		if now := heard(); now != before {
			before, since = now, time.Now()
		}
		return time.Since(since) >= 700*time.Millisecond
	})
}

// A payload descriptor of one octet that starts a partition, and a frame without its P bit (RFC 7741).
func beginsKey(payload []byte) bool {
	return len(payload) > 1 && payload[0] == 0x10 && payload[1]&1 == 0
}
