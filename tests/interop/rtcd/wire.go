package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/gorilla/websocket"
	"github.com/mattermost/rtcd/service"
)

// A WebSocket of the client's, without rtcd's client around it.
func (s *server) raw(n *node) (*websocket.Conn, error) {
	ws, _, err := s.greeted(basic(n.id, n.key))
	return ws, err
}

// A message as rtcd's client packs it.
func packed(kind string, data any) []byte {
	msg, err := service.NewPackedClientMessage(kind, data)
	must(err)
	return msg
}

func badMessages(s *server) error {
	n, err := s.connected()
	if err != nil {
		return err
	}
	ws, err := s.raw(n)
	if err != nil {
		return err
	}
	for _, text := range []string{"", "\xc1", "\xa3rtc", "\xa3rtc\x05", "\xdd\xff\xff\xff\xff", "\xa4join\x91\x01",
		"\xa5leave\xdf\xff\xff\xff\xff", "\xa3abc\x80", strings.Repeat("\x91", 100000)} {
		must(ws.WriteMessage(websocket.BinaryMessage, []byte(text)))
	}
	must(ws.WriteMessage(websocket.TextMessage, []byte("hello")))
	// The same connection is still good, and so are others.
	call, session := newID(), newID()
	must(ws.WriteMessage(websocket.BinaryMessage, packed("join", map[string]any{
		"callID": call, "userID": "u", "sessionID": session})))
	if _, err := n.sessions(call, 1); err != nil {
		return err
	}
	must(ws.Close())
	must(n.about("leave", session))
	_, err = n.sessions(call, 0)
	return err
}

func tooLarge(s *server) error {
	n, err := s.connected()
	if err != nil {
		return err
	}
	ws, err := s.raw(n)
	if err != nil {
		return err
	}
	must(ws.WriteMessage(websocket.BinaryMessage, bytes.Repeat([]byte{0xc0}, 1048577)))
	must(ws.SetReadDeadline(time.Now().Add(wait)))
	if _, _, err = ws.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseMessageTooBig) {
		return fmt.Errorf("closed by %v", err)
	}
	return n.silent(100 * time.Millisecond)
}

// Of one client a node that never reads, with more messages than the server can have room for: some are
// answered, most mean nothing. A call of another goes on meanwhile, and what is asked is answered; then it asks
// for more than anybody keeps for it, and is closed.
func flood(s *server) error {
	_, _, all, _, err := s.call(2)
	if err != nil {
		return err
	}
	n, err := s.connected()
	if err != nil {
		return err
	}
	ws, err := s.raw(n)
	if err != nil {
		return err
	}
	defer ws.Close()
	call, session := newID(), newID()
	join := packed("join", map[string]any{"callID": call, "userID": "u", "sessionID": session})
	them := [][]byte{join, join, packed("leave", map[string]string{"sessionID": session}), packed("abc", "nothing"), {0xc1}}
	for i := 0; i < 20000; i++ {
		must(ws.WriteMessage(websocket.BinaryMessage, them[i%len(them)]))
		if i%5000 == 0 {
			if err := all[0].hears("voice", all[1].session); err != nil {
				return err
			}
			if _, err := all[0].n.GetVersionInfo(); err != nil {
				return err
			}
		}
	}
	must(n.about("leave", session))
	if _, err := n.sessions(call, 0); err != nil {
		return err
	}
	for _, reason := range []string{"malformed", "meaning"} {
		if err := s.some(fmt.Sprintf("sluice_rtcd_messages_refused_total{reason=%q}", reason)); err != nil {
			return err
		}
	}
	if err := askUntilClosed(ws); err != nil {
		return err
	}
	if err := s.some(`sluice_ws_closed_total{face="private",reason="slow"}`); err != nil {
		return err
	}
	if err := all[1].hears("voice", all[0].session); err != nil {
		return err
	}
	return leaveAll(all)
}

// Pings, whose answers nobody reads: first more than the kernel and the server keep for one, then one at a time.
func askUntilClosed(ws *websocket.Conn) error {
	const many = 80000
	longest := make([]byte, 125)
	var refused error
	ask := func() bool {
		refused = ws.WriteControl(websocket.PingMessage, longest, time.Now().Add(wait))
		return refused != nil
	}
	for i := 0; i < many && refused == nil; i++ {
		ask()
	}
	if err := until(wait, "who does not read is closed", func() bool { return refused != nil || ask() }); err != nil {
		return err
	}
	var late net.Error
	if errors.As(refused, &late) && late.Timeout() {
		return fmt.Errorf("it is not closed, nor read from: %w", refused)
	}
	return nil
}

func silence(s *server) error {
	n, err := s.connected()
	if err != nil {
		return err
	}
	if err := n.silent(23 * time.Second); err != nil {
		return err
	}
	call, session := newID(), newID()
	must(n.join(call, session))
	_, err = n.sessions(call, 1)
	return err
}
