package main

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/mattermost/rtcd/service"
)

// What HTTP and WebSocket say beside their bodies.

// Type and place of an answer that nobody follows.
func (s *server) headers(method, path, auth, body string) (status int, kind, place string, err error) {
	req, err := http.NewRequest(method, s.url()+path, strings.NewReader(body))
	must(err)
	if auth != "" {
		req.Header.Set("Authorization", auth)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return 0, "", "", err
	}
	defer resp.Body.Close()
	return resp.StatusCode, resp.Header.Get("Content-Type"), resp.Header.Get("Location"), nil
}

func types(s *server) error {
	n := s.node(newID(), newKey())
	own, them := basic(n.id, n.key), credentials(n.id, n.key)
	const plain = "text/plain; charset=utf-8"
	for _, x := range []struct {
		method, path, auth, body string
		status                   int
		kind                     string
	}{
		{"POST", "/register", "", them, 201, "application/json"},
		{"POST", "/register", "", them, 400, "application/json"},
		{"POST", "/login", "", them, 200, "application/json"},
		{"POST", "/login", "", "", 400, "application/json"},
		{"GET", "/version", "", "", 200, "application/json"},
		{"GET", "/system", "", "", 200, "application/json"},
		{"GET", "/calls/c/sessions", "", "", 401, plain},
		{"GET", "/calls/c/sessions", own, "", 404, plain},
		{"GET", "/nothing", "", "", 404, plain},
		{"POST", "/unregister", basic("", "no"), them, 401, "application/json"},
		{"POST", "/unregister", own, them, 200, "application/json"},
	} {
		status, kind, _, err := s.headers(x.method, x.path, x.auth, x.body)
		if err != nil || status != x.status || kind != x.kind {
			return fmt.Errorf("%s %s: %d %q %v", x.method, x.path, status, kind, err)
		}
	}
	for _, path := range []string{"//version", "/calls/../version"} {
		if status, _, place, err := s.headers("GET", path, "", ""); err != nil || status/100 != 3 || place != "/version" {
			return fmt.Errorf("%s: %d %q %v", path, status, place, err)
		}
	}
	return nil
}

// Pages of others may not, nor may what is no handshake.
func handshakes(s *server) error {
	return s.shakes([]shake{
		{"Origin", s.url(), 101},
		{"Origin", "http://other.example", 403},
		{"Origin", "null", 403},
		{"Upgrade", "", 400},
		{"Connection", "", 400},
		{"Sec-WebSocket-Key", "short", 400},
	})
}

// Of another version it is told which one is spoken (RFC 6455 §4.2.2).
func oldHandshake(s *server) error {
	return s.shakes([]shake{{"Sec-WebSocket-Version", "8", 426}})
}

// A handshake with one field of its own, and how it is answered.
type shake struct {
	name, value string
	status      int
}

func (s *server) shakes(all []shake) error {
	n := s.node(newID(), newKey())
	if err := n.Register(n.id, n.key); err != nil {
		return err
	}
	for _, x := range all {
		req, err := http.NewRequest("GET", s.url()+"/ws", nil)
		must(err)
		req.Header = http.Header{"Authorization": {basic(n.id, n.key)}, "Upgrade": {"websocket"}, "Connection": {"Upgrade"},
			"Sec-WebSocket-Version": {"13"}, "Sec-WebSocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}}
		req.Header[x.name] = []string{x.value}
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			return err
		}
		resp.Body.Close()
		if resp.StatusCode != x.status {
			return fmt.Errorf("%s %q: %d", x.name, x.value, resp.StatusCode)
		}
	}
	return nil
}

// Who never answers a ping is closed, after the second one at the latest.
func noPongs(s *server) error {
	n, err := s.connected()
	if err != nil {
		return err
	}
	ws, err := s.raw(n)
	if err != nil {
		return err
	}
	defer ws.Close()
	pings, from := 0, time.Now()
	ws.SetPingHandler(func(string) error {
		pings++
		return nil
	})
	must(ws.SetReadDeadline(from.Add(wait)))
	_, _, err = ws.ReadMessage()
	if took := time.Since(from); took < 19*time.Second || took > 25*time.Second || pings < 1 || pings > 2 {
		return fmt.Errorf("closed after %v and %d pings: %v", took, pings, err)
	}
	return n.Close()
}

// What a join leaves out is null, and whose session it is the key says, not the message.
func sparseJoin(s *server) error {
	n, err := s.connected()
	if err != nil {
		return err
	}
	call, session := newID(), newID()
	must(n.Send(service.ClientMessage{Type: "join", Data: map[string]any{"callID": call, "userID": "u",
		"sessionID": session, "groupID": "another"}}))
	if _, err := n.sessions(call, 1); err != nil {
		return err
	}
	want := fmt.Sprintf(`{"GroupID":%q,"CallID":%q,"UserID":"u","SessionID":%q,`, n.id, call, session)
	status, text, err := s.ask("GET", "/calls/"+call+"/sessions/"+session, basic(n.id, n.key), "")
	if err != nil || status != 200 || !strings.HasPrefix(text, want) {
		return fmt.Errorf("%d %s %v", status, text, err)
	}
	got, _, err := n.GetSession(call, session)
	if err != nil {
		return err
	}
	for _, name := range []string{"channelID", "av1Support", "dcSignaling"} {
		if value, there := got.Props[name]; !there || value != nil {
			return fmt.Errorf("%s is %v: %s", name, value, text)
		}
	}
	must(n.about("leave", session))
	return errors.Join(n.closed(session, wait), n.Close())
}

// Of what goes to everybody's doors a body of a megabyte is too much, and the next request is answered.
func longBodies(s *server) error {
	for _, path := range []string{"/register", "/login"} {
		status, text, err := s.ask("POST", path, "", credentials(strings.Repeat("x", 1<<20), newKey()))
		if err != nil || status != http.StatusRequestEntityTooLarge {
			return fmt.Errorf("%s: %d %.200q %v", path, status, text, err)
		}
	}
	_, err := s.node("x", "y").GetVersionInfo()
	return err
}

var mannerScenarios = []scenario{
	{"types of what is answered, and paths that are not clean", types, ""},
	{"whose handshake is refused", handshakes, ""},
	{"a handshake of another version", oldHandshake, "a WebSocket of another version than 13"},
	{"who answers no ping is closed after 20 seconds", noPongs, ""},
	{"a join that leaves out what it may", sparseJoin, ""},
	{"a body of a megabyte is refused", longBodies, "a request's body over 64 KiB"},
}
