// Package wire is what goes over the line between a facility and the assessment portal of the social insurance:
// paths, requests, replies, result codes with their meaning, the envelope GIAMDINHHS, and the version of a claim file.
//
// The gateway client and the mock assessment system share it, and nothing else; neither the tables of the claim file
// nor FHIR are known here.
//
//	POST /api/token/take             TakeRequest   -> TakeReply
//	POST /api/qd130/guiHoSoXmlQD4750 SendRequest   -> SendReply      (fileHSBase64 holds an Envelope)
//	POST /api/his/KQGiamDinhHoSo     StatusRequest -> StatusReply
//
// Rules that callers must know:
//   - Only maKetQua decides, never the HTTP status. A reply without a valid maKetQua proves nothing, nor does a 200
//     without maGiaoDich.
//   - The contract wants the MD5 of the password, as upper-case hex (PasswordHash). It is no protection; the line must be TLS.
//   - The shape of the replies to "asking back" (StatusReply, BatchReply, SettlementReply) is assumed: no public source fixes it.
//
// Source: guide 1245/BHXH-CNTT (2024), letter 1923 (card look-up), and client code seen in public.
package wire
