package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"github.com/mattermost/rtcd/service"
	"github.com/mattermost/rtcd/service/rtc"
)

// What is asked of both servers. differs: why rtcd itself does not do this; then it need not.
type scenario struct {
	name    string
	run     func(s *server) error
	differs string
}

var scenarios = []scenario{
	{"registering, once", register, ""},
	{"every refusal of the API, status and body", refusals, ""},
	{"a login gives a token, and the next one takes it away", login, ""},
	{"version and load", about,
		"a machine without a spare moment is an infinite load, and that an empty answer"},
	{"no connection with a wrong key", wrongKey, ""},
	{"joining, being listed, leaving", joinAndLeave, ""},
	{"joins that cannot be are not answered, and end nothing", badJoins, ""},
	{"50 sessions in one call", manySessions, ""},
	{"two clients do not see each other", isolated, ""},
	{"a client cannot end another's session", owned,
		"it looks sessions up without asking whose they are"},
	{"a session follows its reconnect to another node", reconnect,
		"it tells the end to the connection that joined"},
	{"a lost connection ends no session, and the end is told to the next", lostConnection,
		"the end is told to nobody"},
	{"no offer in ten seconds", noOffer, ""},
	{"what is no message harms nobody", badMessages, ""},
	{"a message over 1 MiB closes with 1009", tooLarge, ""},
	{"pings keep a silent client", silence, ""},
	{"many clients register at once", herd, ""},
	{"a restart: clients are known, and come back", restart, ""},
	{"draining waits for the last session", drain,
		"the end of the last is not told"},
}

func register(s *server) error {
	n := s.node(newID(), newKey())
	if err := n.Register(n.id, n.key); err != nil {
		return err
	}
	if err := n.Register(n.id, newKey()); err == nil ||
		err.Error() != "request failed: registration failed: already registered" {
		return fmt.Errorf("once more: %v", err)
	}
	if err := n.connect(); err != nil {
		return err
	}
	if err := n.Unregister(n.id); err != nil {
		return err
	}
	return n.Close()
}

// Status and body of a request.
func (s *server) ask(method, path, auth, body string) (int, string, error) {
	req, err := http.NewRequest(method, s.url()+path, strings.NewReader(body))
	must(err)
	if auth != "" {
		req.Header.Set("Authorization", auth)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

func basic(user, key string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+key))
}

func refusals(s *server) error {
	n := s.node(newID(), newKey())
	if err := n.Register(n.id, n.key); err != nil {
		return err
	}
	own, admin := basic(n.id, n.key), basic("", adminKey)
	body := func(id, key string) string {
		text, _ := json.Marshal(map[string]string{"clientID": id, "authKey": key})
		return string(text)
	}
	failed := func(status int, text string) string {
		return fmt.Sprintf("{\"code\":\"%d\",\"error\":\"%s\"}\n", status, text)
	}
	long := strings.Repeat("k", 73)
	for _, row := range []struct {
		method, path, auth, body string
		status                   int
		want                     string
	}{
		{"POST", "/register", "", "", 400, failed(400, "EOF")},
		{"POST", "/register", "", "[]", 400,
			failed(400, "json: cannot unmarshal array into Go value of type map[string]string")},
		{"POST", "/register", "", `{"clientID":5}`, 400,
			failed(400, "json: cannot unmarshal number into Go value of type string")},
		{"POST", "/register", "", body("", newKey()), 400, failed(400, "registration failed: error: empty key")},
		{"POST", "/register", "", body("x", "short"), 400, failed(400, "registration failed: key not long enough")},
		{"POST", "/register", "", body("x", long), 400,
			failed(400, "registration failed: bcrypt: password length exceeds 72 bytes")},
		{"POST", "/register", "", body(n.id, newKey()), 400, failed(400, "registration failed: already registered")},
		{"POST", "/unregister", "", body("x", ""), 401, failed(401, "authentication failed: invalid auth header")},
		{"POST", "/unregister", "Digest x", body("x", ""), 401, failed(401, "authentication failed: invalid auth header")},
		{"POST", "/unregister", basic("", "no"), body("x", ""), 401, failed(401, "authentication failed: unauthorized")},
		{"POST", "/unregister", basic("no", n.key), body("x", ""), 401, failed(401, "authentication failed")},
		{"POST", "/unregister", "Bearer no", body("x", ""), 401, failed(401, "authentication failed: token is invalid")},
		{"POST", "/unregister", own, "{}", 400, failed(400, "client id should not be empty")},
		{"POST", "/unregister", own, body("other", ""), 403, failed(403, "client id not valid")},
		{"POST", "/unregister", admin, body("nobody", ""), 400, failed(400, "unregister failed: error: not found")},
		{"POST", "/login", "", body("nobody", n.key), 400,
			failed(400, "login failed: authentication failed: error: not found")},
		{"POST", "/login", "", body("", n.key), 400,
			failed(400, "login failed: authentication failed: error: empty key")},
		{"POST", "/login", "", body(n.id, newKey()), 400, failed(400, "login failed: authentication failed")},
		{"GET", "/calls/c/sessions", "", "", 401, "unauthorized\n"},
		{"GET", "/calls/c/sessions", admin, "", 401, "unauthorized\n"},
		{"GET", "/calls/c/sessions", own, "", 404, "failed to get session configs: group not found\n"},
		{"GET", "/calls/c/sessions/s", own, "", 404, "failed to get session config: group not found\n"},
		{"POST", "/version", "", "", 404, "404 page not found\n"},
		{"GET", "/register", "", "", 404, "404 page not found\n"},
		{"GET", "/nothing", "", "", 404, "404 page not found\n"},
		{"GET", "//calls/../register", "", "", 404, "404 page not found\n"},
		{"POST", "/unregister", own, body(n.id, ""), 200, "{\"code\":\"200\"}\n"},
	} {
		status, text, err := s.ask(row.method, row.path, row.auth, row.body)
		if err != nil || status != row.status || text != row.want {
			return fmt.Errorf("%s %s %q: %d %q %v", row.method, row.path, row.body, status, text, err)
		}
	}
	return nil
}

func login(s *server) error {
	n := s.node(newID(), newKey())
	if err := n.Register(n.id, n.key); err != nil {
		return err
	}
	body := fmt.Sprintf(`{"clientID":%q,"authKey":%q}`, n.id, n.key)
	var tokens []string
	for i := 0; i < 2; i++ {
		status, text, err := s.ask("POST", "/login", "", body)
		var answer map[string]string
		if err != nil || status != 200 || json.Unmarshal([]byte(text), &answer) != nil ||
			answer["code"] != "200" || len(answer["bearerToken"]) != 32 {
			return fmt.Errorf("login: %d %q %v", status, text, err)
		}
		tokens = append(tokens, answer["bearerToken"])
	}
	for i, want := range []int{401, 404} {
		if status, text, _ := s.ask("GET", "/calls/c/sessions", "Bearer "+tokens[i], ""); status != want {
			return fmt.Errorf("token %d: %d %q", i, status, text)
		}
	}
	return nil
}

func about(s *server) error {
	n := s.node("x", "y")
	if _, err := n.GetVersionInfo(); err != nil {
		return err
	}
	time.Sleep(2500 * time.Millisecond)
	info, err := n.GetSystemInfo()
	if err == nil && info.CPULoad <= 0 {
		err = fmt.Errorf("load %v", info.CPULoad)
	}
	return err
}

func wrongKey(s *server) error {
	n := s.node(newID(), newKey())
	if err := n.Register(n.id, n.key); err != nil {
		return err
	}
	if err := s.node(n.id, newKey()).Connect(); err == nil {
		return fmt.Errorf("connected with another key")
	}
	if err := s.node(newID(), n.key).Connect(); err == nil {
		return fmt.Errorf("connected with another name")
	}
	return nil
}

func joinAndLeave(s *server) error {
	n, err := s.connected()
	if err != nil {
		return err
	}
	call, session := newID(), newID()
	must(n.join(call, session))
	all, err := n.sessions(call, 1)
	if err != nil {
		return err
	}
	one, _, err := n.GetSession(call, session)
	if err != nil {
		return err
	}
	for _, got := range []rtc.SessionConfig{all[0], one} {
		if got.GroupID != n.id || got.CallID != call || got.UserID != "user-"+session || got.SessionID != session ||
			got.Props["channelID"] != "channel" || got.Props["av1Support"] != true || got.Props["dcSignaling"] != false {
			return fmt.Errorf("listed as %+v", got)
		}
	}
	if _, status, err := n.GetSession(call, "other"); status != 404 || err == nil {
		return fmt.Errorf("another session: %d %v", status, err)
	}
	must(n.about("leave", session))
	if err := n.closed(session, 5*time.Second); err != nil {
		return err
	}
	_, err = n.sessions(call, 0)
	return err
}

func badJoins(s *server) error {
	n, err := s.connected()
	if err != nil {
		return err
	}
	call, session := newID(), newID()
	must(n.join(call, session))
	if _, err := n.sessions(call, 1); err != nil {
		return err
	}
	must(n.join(call, session))
	for _, data := range []map[string]any{
		{"callID": call, "userID": "u"},
		{"callID": call, "sessionID": "s"},
		{"userID": "u", "sessionID": "s"},
		{"callID": 5, "userID": "u", "sessionID": "s"},
	} {
		must(n.Send(service.ClientMessage{Type: "join", Data: data}))
	}
	must(n.about("leave", "nobody"))
	if err := n.silent(500 * time.Millisecond); err != nil {
		return err
	}
	_, err = n.sessions(call, 1)
	return err
}

func manySessions(s *server) error {
	const many = 50
	n, err := s.connected()
	if err != nil {
		return err
	}
	call, all := newID(), map[string]bool{}
	for i := 0; i < many; i++ {
		session := newID()
		all[session] = true
		must(n.join(call, session))
	}
	if _, err := n.sessions(call, many); err != nil {
		return err
	}
	for session := range all {
		must(n.about("leave", session))
	}
	for len(all) > 0 {
		data, err := n.next("close", 10*time.Second)
		if err != nil {
			return err
		}
		delete(all, data["sessionID"])
	}
	_, err = n.sessions(call, 0)
	return err
}

// Two clients, each with a session in a call of the same name.
func pair(s *server, sessionB string) (a, b *node, call, session string, err error) {
	if a, err = s.connected(); err != nil {
		return
	}
	if b, err = s.connected(); err != nil {
		return
	}
	call, session = newID(), newID()
	must(a.join(call, session))
	must(b.join(call, sessionB))
	if _, err = a.sessions(call, 1); err == nil {
		_, err = b.sessions(call, 1)
	}
	return
}

func isolated(s *server) error {
	a, b, call, session, err := pair(s, newID())
	if err != nil {
		return err
	}
	if _, status, _ := b.GetSession(call, session); status != 404 {
		return fmt.Errorf("seen by the other: %d", status)
	}
	must(a.about("leave", session))
	if err := a.closed(session, 5*time.Second); err != nil {
		return err
	}
	_, err = b.sessions(call, 1)
	return err
}

func owned(s *server) error {
	a, b, call, session, err := pair(s, newID())
	if err != nil {
		return err
	}
	must(b.about("leave", session))
	must(b.about("reconnect", session))
	must(b.rtc(session, rtc.MuteMessage, ""))
	if err := b.silent(500 * time.Millisecond); err != nil {
		return err
	}
	if _, err := a.sessions(call, 1); err != nil {
		return err
	}
	must(a.about("leave", session))
	return a.closed(session, 5*time.Second)
}

func reconnect(s *server) error {
	first, err := s.connected()
	if err != nil {
		return err
	}
	second, err := s.sibling(first)
	if err != nil {
		return err
	}
	call, session := newID(), newID()
	must(first.join(call, session))
	if _, err := first.sessions(call, 1); err != nil {
		return err
	}
	must(second.about("reconnect", session))
	must(second.about("leave", session))
	if err := second.closed(session, 2*time.Second); err != nil {
		return err
	}
	return first.silent(200 * time.Millisecond)
}

func lostConnection(s *server) error {
	first, err := s.connected()
	if err != nil {
		return err
	}
	call, session := newID(), newID()
	must(first.join(call, session))
	if _, err := first.sessions(call, 1); err != nil {
		return err
	}
	must(first.Close())
	time.Sleep(300 * time.Millisecond)
	if _, err := first.sessions(call, 1); err != nil {
		return err
	}
	if err := waitGone(first, call); err != nil {
		return err
	}
	second, err := s.sibling(first)
	if err != nil {
		return err
	}
	return second.closed(session, 2*time.Second)
}

// Until its time without an offer is over.
func waitGone(n *node, call string) error {
	for i := 0; i < 130; i++ {
		if _, status, _ := n.GetSessions(call); status == 404 {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return fmt.Errorf("the session is still there")
}

func noOffer(s *server) error {
	n, err := s.connected()
	if err != nil {
		return err
	}
	session := newID()
	from := time.Now()
	must(n.join(newID(), session))
	if err := n.closed(session, 13*time.Second); err != nil {
		return err
	}
	if took := time.Since(from); took < 9500*time.Millisecond || took > 12*time.Second {
		return fmt.Errorf("closed after %v", took)
	}
	return nil
}

// A WebSocket of the client's, without rtcd's client around it.
func (s *server) raw(n *node) (*websocket.Conn, error) {
	ws, _, err := websocket.DefaultDialer.Dial(strings.Replace(s.url(), "http", "ws", 1)+"/ws",
		http.Header{"Authorization": {basic(n.id, n.key)}})
	if err != nil {
		return nil, err
	}
	_, _, err = ws.ReadMessage()
	return ws, err
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
	msg, err := service.NewPackedClientMessage("join", map[string]any{"callID": call, "userID": "u", "sessionID": session})
	must(err)
	must(ws.WriteMessage(websocket.BinaryMessage, msg))
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
	must(ws.SetReadDeadline(time.Now().Add(5 * time.Second)))
	if _, _, err = ws.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseMessageTooBig) {
		return fmt.Errorf("closed by %v", err)
	}
	return n.silent(100 * time.Millisecond)
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

func herd(s *server) error {
	const many = 30
	errs := make(chan error, many)
	var wg sync.WaitGroup
	for i := 0; i < many; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			n := s.node(newID(), newKey())
			errs <- n.Register(n.id, n.key)
		}()
	}
	wg.Wait()
	for i := 0; i < many; i++ {
		if err := <-errs; err != nil {
			return err
		}
	}
	return nil
}

func restart(s *server) error {
	n, err := s.connected()
	if err != nil {
		return err
	}
	s.terminate()
	if err := s.wait(10 * time.Second); err != nil {
		return err
	}
	if err := s.start(); err != nil {
		return err
	}
	for {
		hello, err := n.next("hello", 15*time.Second)
		if err == nil {
			if hello["clientID"] != n.id {
				return fmt.Errorf("hello says %v", hello)
			}
			return nil
		}
		if strings.HasPrefix(err.Error(), "no hello") {
			return err
		}
	}
}

func drain(s *server) error {
	n, err := s.connected()
	if err != nil {
		return err
	}
	call, session := newID(), newID()
	must(n.join(call, session))
	if _, err := n.sessions(call, 1); err != nil {
		return err
	}
	s.terminate()
	time.Sleep(1500 * time.Millisecond)
	if _, err := n.sessions(call, 1); err != nil {
		return fmt.Errorf("while draining: %w", err)
	}
	must(n.about("leave", session))
	if err := n.closed(session, 5*time.Second); err != nil {
		return err
	}
	if err := s.wait(10 * time.Second); err != nil {
		return err
	}
	return s.start()
}
