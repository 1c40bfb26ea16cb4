package main

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/mattermost/rtcd/service/rtc/dc"
	"github.com/pion/webrtc/v4"
)

// What an agent and the server have to say on the data channel, and in what order it came.
type talk struct {
	turn     sync.Mutex // descriptions come two ways, and are taken one after the other
	locked   chan bool
	answered chan error // an offer of ours

	mu    sync.Mutex
	media dc.MediaMap
	story []string  // "map", "offer dc", "answer ws", "pong", "text pong"
	offer time.Time // when the last one came
}

func newTalk() talk {
	return talk{locked: make(chan bool, 8), answered: make(chan error, 8)}
}

func (t *talk) answer(err error) {
	select {
	case t.answered <- err:
	default:
	}
}

func (a *agent) note(what string) {
	a.talk.mu.Lock()
	defer a.talk.mu.Unlock()
	a.talk.story = append(a.talk.story, what)
	if strings.HasPrefix(what, "offer ") {
		a.talk.offer = time.Now()
	}
}

// All that came until now.
func (a *agent) story() string {
	a.talk.mu.Lock()
	defer a.talk.mu.Unlock()
	return strings.Join(a.talk.story, ", ")
}

func (a *agent) mediaMap() dc.MediaMap {
	a.talk.mu.Lock()
	defer a.talk.mu.Unlock()
	return a.talk.media
}

func (a *agent) say(kind dc.MessageType, payload any) error {
	msg, err := dc.EncodeMessage(kind, payload)
	if err != nil {
		return err
	}
	return a.dc.Send(msg)
}

func (a *agent) takeChannel(m webrtc.DataChannelMessage) {
	a.reading.Lock()
	defer a.reading.Unlock()
	if m.IsString {
		a.note("text " + string(m.Data))
		return
	}
	kind, payload, err := dc.DecodeMessage(m.Data)
	if err != nil {
		a.note("nonsense")
		return
	}
	switch kind {
	case dc.MessageTypePong:
		a.note("pong")
	case dc.MessageTypeLock:
		got, _ := payload.(bool)
		a.talk.locked <- got
	case dc.MessageTypeMediaMap:
		a.talk.mu.Lock()
		a.talk.media = payload.(dc.MediaMap)
		a.talk.mu.Unlock()
		a.note("map")
	case dc.MessageTypeSDP:
		if err := a.takeDescription(payload.([]byte), "dc"); err != nil {
			a.mu.Lock()
			a.failure = err
			a.mu.Unlock()
		}
	}
}

// Asks for the lock, once.
func (a *agent) askLock() (bool, error) {
	if err := a.say(dc.MessageTypeLock, nil); err != nil {
		return false, err
	}
	select {
	case got := <-a.talk.locked:
		return got, nil
	case <-time.After(wait):
		return false, fmt.Errorf("the lock is not answered")
	}
}

func (a *agent) lock(limit time.Duration) error {
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if got, err := a.askLock(); got || err != nil {
			return err
		}
	}
	return fmt.Errorf("no lock within %v", limit)
}

func (a *agent) unlock() error { return a.say(dc.MessageTypeUnlock, nil) }

// Takes the lock, makes the change, offers it, waits for the answer, and gives the lock back.
func (a *agent) change(make func() error) error {
	if err := a.lock(wait); err != nil {
		return err
	}
	err := a.offerAndWait(make)
	if e := a.unlock(); err == nil {
		err = e
	}
	return err
}

func (a *agent) offerAndWait(make func() error) error {
	a.talk.turn.Lock()
	for len(a.talk.answered) > 0 {
		<-a.talk.answered
	}
	err := make()
	if err == nil {
		err = a.offer()
	}
	a.talk.turn.Unlock()
	if err != nil {
		return err
	}
	select {
	case err = <-a.talk.answered:
		return err
	case <-time.After(wait):
		return fmt.Errorf("no answer, but %s", a.story())
	}
}

func (a *agent) publish(t webrtc.TrackLocal) error {
	return a.change(func() error {
		_, err := a.pc.AddTrack(t)
		return err
	})
}
