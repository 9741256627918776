// Package bhxhmock is a mock of the social insurance's assessment system: a real HTTP handler behind the contract of
// package wire, with a durable ledger of its own, a deterministic assessment, and faults that can be switched on.
//
//	POST /api/token/take                   tokens: 10 minutes, bound to the caller's address
//	POST /api/qd130/checkInKcbQd4750       check-in (XML0)
//	POST /api/qd130/guiHoSoXmlQD4750       claim file; also ...QD3176
//	POST /api/his/KQGiamDinhHoSo           state of records, line by line once assessed; also all of a batch
//	POST /api/his/KQDanhSachDotGiamDinh    batches of a month
//	POST /api/his/KQQuyetToan              settlement of a quarter or month, its runs, what was paid
//	POST /api/egw/KQNhanLichSuKCB2024      card look-up
//	GET  /                                 a page for people that says what is here
//	GET  /ledger.ndjson                    the ledger, a row a line
//	GET  /faults, PUT /faults, GET /panel  the fault switches, see Faults; only with Options.Panel
//
// It reads claim files with a reader of its own, so that it is a second opinion on what the adapter sends.
//
// The ledger is the judge of ONCE: one row for each episode of each request that was received, written and synced before
// the reply, and chained to the row before by its hash (Verify, Head). The mock does not deduplicate: the same (facility,
// MA_LK, version) taken twice is two rows with effect, and so a violation that everybody can see. Check-ins have no version
// and no effect.
//
// A row has the decision on each line and the times at which it is told (Row). So a record goes from received to assessing
// to assessed (or format error), and a month is settled in runs, by the clock alone; nothing runs in between, and nothing
// that was told changes.
package bhxhmock
