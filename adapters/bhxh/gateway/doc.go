// Package gateway is the client of the assessment portal: it logs in, sends a claim file once, and asks what became of it.
//
// What a sending call proves is decided here and nowhere else (promise ONCE):
//
//	Accepted   maKetQua 200 with maGiaoDich
//	Refused    a valid maKetQua that says no; the reason is in Code and Text. Nothing has effect
//	NotSent    no effect for certain, and not the file's fault: no connection came about, so no byte left the house;
//	           or the account was turned away (401) before the file was looked at
//	Unknown    all the rest: time-outs, broken connections, HTML, empty or cut bodies, a reply without a valid maKetQua,
//	           200 without maGiaoDich, a maKetQua that reports a fault of the server (100, 101, 5xx)
//
// Only maKetQua decides, never the HTTP status. The client never repeats a send by itself, but for one case: a reply 401
// to a token that ran out makes it log in again, once, and repeat once, since that reply says that nothing was taken.
//
// Neither the password nor a token is in any error, outcome or log line of this package.
package gateway
