package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"

	"github.com/gorilla/websocket"
	"github.com/mattermost/mattermost/server/public/model"
	"github.com/vmihailenco/msgpack/v5"
)

// What rtcd's user agent (client.Client) meets of Mattermost: logins, a WebSocket with actions one way
// and events the other, and the paths of a plugin. What they mean is the plugin's (plugin.go).
type mattermost struct {
	*httptest.Server
	*plugin

	mu      sync.Mutex
	tokens  map[string]string // of who has logged in: the user
	sockets map[*socket]bool
	refuses bool // no WebSocket is taken
}

// A user's connection.
type socket struct {
	ws       *websocket.Conn
	id, user string
	node     int // of the cluster

	mu  sync.Mutex
	seq int64
}

const password = "a word that all users share"

// Stands before the server, with a plugin on each of two nodes.
func newMattermost(s *server) (*mattermost, error) {
	m := &mattermost{tokens: map[string]string{}, sockets: map[*socket]bool{}}
	var err error
	if m.plugin, err = newPlugin(m, s); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v4/users/login", m.login)
	mux.HandleFunc("GET /api/v4/websocket", m.connect)
	mux.HandleFunc("GET /plugins/com.mattermost.calls/config", m.known(m.config))
	mux.HandleFunc("POST /plugins/com.mattermost.calls/calls/{channel}/recording/{state}", m.known(m.record))
	m.Server = httptest.NewServer(mux)
	return m, nil
}

func (m *mattermost) end() {
	m.lose("")
	m.Server.Close()
	m.plugin.end()
}

func (m *mattermost) login(w http.ResponseWriter, r *http.Request) {
	var body map[string]string
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || body["password"] != password {
		http.Error(w, `{"id":"api.user.login.invalid","status_code":401}`, http.StatusUnauthorized)
		return
	}
	token := newID()
	m.mu.Lock()
	m.tokens[token] = body["login_id"]
	m.mu.Unlock()
	w.Header().Set(model.HeaderToken, token)
	_ = json.NewEncoder(w).Encode(&model.User{Id: body["login_id"]})
}

func (m *mattermost) user(r *http.Request) string {
	token := r.Header.Get("Authorization")
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.tokens[token[strings.LastIndex(token, " ")+1:]]
}

func (m *mattermost) known(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if m.user(r) == "" {
			http.Error(w, "{}", http.StatusUnauthorized)
			return
		}
		next(w, r)
	}
}

func (m *mattermost) connect(w http.ResponseWriter, r *http.Request) {
	user := m.user(r)
	m.mu.Lock()
	refuses, node := m.refuses, len(m.sockets)%2
	m.mu.Unlock()
	if user == "" || refuses {
		http.Error(w, "{}", http.StatusUnauthorized)
		return
	}
	ws, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
	if err != nil {
		return
	}
	c := &socket{ws: ws, id: newID(), user: user, node: node}
	m.mu.Lock()
	m.sockets[c] = true // and stays there: so each comes to the other node the next time
	m.mu.Unlock()
	c.tell("hello", "", map[string]any{"connection_id": c.id})
	for {
		kind, data, err := ws.ReadMessage()
		if err != nil {
			break
		}
		var request struct {
			Action string         `json:"action" msgpack:"action"`
			Data   map[string]any `json:"data" msgpack:"data"`
		}
		if kind == websocket.BinaryMessage {
			err = msgpack.Unmarshal(data, &request)
		} else {
			err = json.NewDecoder(bytes.NewReader(data)).Decode(&request)
		}
		if action, is := strings.CutPrefix(request.Action, prefix); is && err == nil {
			m.plugin.take(c, action, request.Data)
		}
	}
	m.plugin.lost(c)
}

const prefix = "custom_com.mattermost.calls_"

// An event for one connection, or, in all of a channel, for each.
func (c *socket) tell(kind, channel string, data map[string]any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	event := model.NewWebSocketEvent(model.WebsocketEventType(kind), "", channel, "", nil, "").
		SetData(data).SetSequence(c.seq)
	c.seq++
	text, err := event.ToJSON()
	must(err)
	_ = c.ws.WriteMessage(websocket.TextMessage, text)
}

// Ends the connections of a user, or all.
func (m *mattermost) lose(user string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for c := range m.sockets {
		if user == "" || c.user == user {
			_ = c.ws.Close()
		}
	}
}

func (m *mattermost) refuse() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refuses = true
}
