package main

import (
	"encoding/base64"
	"io"
	"mime/quotedprintable"
	"net/mail"
	"strings"
)

// mailText is the body of a message that has one part of text, as the demo's own reminders do.
func mailText(m *mail.Message) (string, error) {
	body := m.Body
	switch strings.ToLower(m.Header.Get("Content-Transfer-Encoding")) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	raw, err := io.ReadAll(body)
	return strings.TrimSpace(strings.ReplaceAll(string(raw), "\r\n", "\n")), err
}
