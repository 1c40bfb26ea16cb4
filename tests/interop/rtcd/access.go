package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/gorilla/websocket"
)

// A request of the API and its answer.
type exchange struct {
	method, path, auth, body string
	status                   int
	want                     string
}

func (s *server) exchanges(all []exchange) error {
	for _, x := range all {
		status, text, err := s.ask(x.method, x.path, x.auth, x.body)
		if err != nil || status != x.status || text != x.want {
			return fmt.Errorf("%s %s %q: %d %q %v", x.method, x.path, x.body, status, text, err)
		}
	}
	return nil
}

func credentials(id, key string) string {
	text, err := json.Marshal(map[string]string{"clientID": id, "authKey": key})
	must(err)
	return string(text)
}

func failed(status int, text string) string {
	return fmt.Sprintf("{\"code\":\"%d\",\"error\":\"%s\"}\n", status, text)
}

// What a login gives.
func (s *server) token(id, key string) (string, error) {
	status, text, err := s.ask("POST", "/login", "", credentials(id, key))
	var answer map[string]string
	if err != nil || status != 200 || json.Unmarshal([]byte(text), &answer) != nil ||
		answer["code"] != "200" || len(answer["bearerToken"]) != 32 {
		return "", fmt.Errorf("login: %d %q %v", status, text, err)
	}
	return answer["bearerToken"], nil
}

func login(s *server) error {
	n := s.node(newID(), newKey())
	if err := n.Register(n.id, n.key); err != nil {
		return err
	}
	var tokens [2]string
	for i := range tokens {
		var err error
		if tokens[i], err = s.token(n.id, n.key); err != nil {
			return err
		}
	}
	for i, want := range []int{401, 404} {
		if status, text, _ := s.ask("GET", "/calls/c/sessions", "Bearer "+tokens[i], ""); status != want {
			return fmt.Errorf("token %d: %d %q", i, status, text)
		}
	}
	return nil
}

// A WebSocket for whoever that is, and its greeting.
func (s *server) greeted(auth string) (*websocket.Conn, []byte, error) {
	return s.greetedBy(websocket.DefaultDialer, auth)
}

func (s *server) greetedBy(by *websocket.Dialer, auth string) (*websocket.Conn, []byte, error) {
	ws, _, err := by.Dial(strings.Replace(s.url(), "http", "ws", 1)+"/ws",
		http.Header{"Authorization": {auth}})
	if err != nil {
		return nil, nil, err
	}
	_, hello, err := ws.ReadMessage()
	return ws, hello, err
}

// A token opens WebSockets until the next login, and which it opened stay.
func tokenUpgrade(s *server) error {
	n, err := s.connected()
	if err != nil {
		return err
	}
	var open []*websocket.Conn
	last := ""
	for range 2 {
		token, err := s.token(n.id, n.key)
		if err != nil {
			return err
		}
		ws, hello, err := s.greeted("Bearer " + token)
		if err != nil {
			return err
		}
		if !bytes.Contains(hello, []byte("hello")) || !bytes.Contains(hello, []byte(n.id)) {
			return fmt.Errorf("greeted by %q", hello)
		}
		if _, _, err = s.greeted("Bearer " + last); err == nil {
			return fmt.Errorf("opened by the token %q", last)
		}
		open, last = append(open, ws), token
	}
	for _, ws := range open {
		call, session := newID(), newID()
		must(ws.WriteMessage(websocket.BinaryMessage, packed("join", map[string]any{
			"callID": call, "userID": "u", "sessionID": session})))
		if _, err := n.sessions(call, 1); err != nil {
			return err
		}
		must(ws.WriteMessage(websocket.BinaryMessage, packed("leave", map[string]string{"sessionID": session})))
		if _, err := n.sessions(call, 0); err != nil {
			return err
		}
		must(ws.Close())
	}
	return n.Close()
}

// Where not everybody may register: an admin does, and whoever is registered.
func byPermission(s *server) error {
	a, b, c, key := newID(), newID(), newID(), newKey()
	admin, own := basic("", adminKey), basic(a, key)
	made := func(id string) string { return fmt.Sprintf("{\"clientID\":%q,\"code\":\"201\"}\n", id) }
	if err := s.exchanges([]exchange{
		{"POST", "/register", "", credentials(a, key), 401, failed(401, "authentication failed: invalid auth header")},
		{"POST", "/register", "Digest x", credentials(a, key), 401, failed(401, "authentication failed: invalid auth header")},
		{"POST", "/register", basic("", "no"), credentials(a, key), 401, failed(401, "authentication failed: unauthorized")},
		{"POST", "/register", own, credentials(a, key), 401, failed(401, "authentication failed")}, // so plugins try it
		{"POST", "/register", "Bearer no", credentials(a, key), 401, failed(401, "authentication failed: token is invalid")},
		{"POST", "/register", "", "", 401, failed(401, "authentication failed: invalid auth header")},
		{"POST", "/register", admin, "", 400, failed(400, "EOF")},
		{"POST", "/register", admin, credentials(a, "short"), 400, failed(400, "registration failed: key not long enough")},
		{"POST", "/register", admin, credentials(a, key), 201, made(a)},
		{"POST", "/register", admin, credentials(a, key), 400, failed(400, "registration failed: already registered")},
		{"POST", "/register", basic(a, newKey()), credentials(b, key), 401, failed(401, "authentication failed")},
		{"POST", "/register", own, credentials(b, key), 201, made(b)},
	}); err != nil {
		return err
	}
	token, err := s.token(a, key)
	if err != nil {
		return err
	}
	if err := s.exchanges([]exchange{
		{"POST", "/register", "Bearer " + token, credentials(c, key), 201, made(c)},
		{"POST", "/unregister", own, credentials(b, ""), 403, failed(403, "client id not valid")},
		{"POST", "/unregister", "Bearer " + token, credentials(b, ""), 403, failed(403, "client id not valid")},
		{"POST", "/unregister", basic("whoever", adminKey), credentials(b, ""), 200, "{\"code\":\"200\"}\n"},
		{"POST", "/unregister", admin, credentials(b, ""), 400, failed(400, "unregister failed: error: not found")},
		{"POST", "/unregister", own, credentials(a, ""), 200, "{\"code\":\"200\"}\n"},
		{"POST", "/register", own, credentials(a, key), 401, failed(401, "authentication failed")},
		{"POST", "/register", "Bearer " + token, credentials(a, key), 401, failed(401, "authentication failed: token is invalid")},
		{"POST", "/login", "", credentials(a, key), 400,
			failed(400, "login failed: authentication failed: error: not found")},
	}); err != nil {
		return err
	}
	n := s.node(c, key)
	if err := n.connect(); err != nil {
		return err
	}
	return n.Close()
}

// Where neither an admin nor everybody may: no client comes or goes, and who authenticates cannot tell why.
func byNobody(s *server) error {
	id, key := newID(), newKey()
	return s.exchanges([]exchange{
		{"POST", "/register", "", credentials(id, key), 401, failed(401, "authentication failed: invalid auth header")},
		{"POST", "/register", basic("", adminKey), credentials(id, key), 401, failed(401, "authentication failed: unauthorized")},
		{"POST", "/register", basic(id, key), credentials(id, key), 401, failed(401, "authentication failed")},
		{"POST", "/unregister", "", credentials(id, ""), 403, failed(403, "unregister not enabled")},
		{"POST", "/unregister", basic("", adminKey), credentials(id, ""), 403, failed(403, "unregister not enabled")},
		{"POST", "/unregister", basic(id, key), "", 403, failed(403, "unregister not enabled")},
	})
}

// Each with a server of its own.
func guarded() []group {
	const closed = "RTCD_API_SECURITY_ALLOWSELFREGISTRATION=false"
	return []group{
		{[]scenario{{"not everybody may register", byPermission, ""}},
			func(*server) []string { return []string{closed} }},
		{[]scenario{{"nobody may register", byNobody, ""}},
			func(*server) []string { return []string{closed, "RTCD_API_SECURITY_ENABLEADMIN=false"} }},
	}
}
