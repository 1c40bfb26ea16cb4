package main

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

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
	body, long := credentials, strings.Repeat("k", 73)
	return s.exchanges([]exchange{
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
	})
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

func herd(s *server) error {
	return allAtOnce(30, func(int) error {
		n := s.node(newID(), newKey())
		return n.Register(n.id, n.key)
	})
}
