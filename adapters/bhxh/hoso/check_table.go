package hoso

// check is how a rule is decided.
type check struct {
	rule string
	look func(*checker)
	// file: it is about the file, not about one episode. texts: about each text, that of the file too. envelope: it is about the envelope, and says nothing of a bare
	// table. needs: in a bare table it says nothing unless these are there.
	// known: it asks what happened before, so episodes must come one after the other.
	file, texts, envelope, known bool
	needs                        []ID
}

// checks has every rule with the function that decides it: those of the decisions (rules_gen.go), in their order, then
// ours. A rule without a function, or the other way round, fails a test.
var checks = []check{
	{rule: "ENV-01", look: facility, envelope: true},
	{rule: "ENV-02", look: episodeCount, file: true, envelope: true},
	{rule: "ENV-03", look: unreadTables, envelope: true},
	{rule: "ENV-04", look: tablesOnce, envelope: true},
	{rule: "ENV-05", look: sameEpisode, envelope: true},
	{rule: "FLD-01", look: required},
	{rule: "FLD-02", look: lengths},
	{rule: "FLD-03", look: numbers},
	{rule: "FLD-04", look: dates},
	{rule: "FLD-05", look: fieldOrder},
	{rule: "STT-01", look: numbering},
	{rule: "ID-01", look: identityForm, needs: []ID{XML1}},
	{rule: "ID-02", look: identityAgrees, needs: []ID{XML1}},
	{rule: "ID-03", look: cardForms, needs: []ID{XML1}},
	{rule: "CARD-01", look: cardsValid, needs: []ID{XML1}},
	{rule: "CODE-01", look: summaryCodes, needs: []ID{XML1}},
	{rule: "CODE-02", look: lineCodes},
	{rule: "CODE-03", look: icdCodes},
	{rule: "DATE-01", look: stayOrder, needs: []ID{XML1}},
	{rule: "DATE-02", look: wardWithinStay, needs: []ID{XML1}},
	{rule: "DATE-03", look: ordersWithinStay, needs: []ID{XML1}},
	{rule: "DATE-04", look: orderThenResult},
	{rule: "DATE-05", look: birthPossible, needs: []ID{XML1}},
	{rule: "DATE-06", look: settlementPeriod, needs: []ID{XML1}},
	{rule: "DAY-01", look: daysOfTreatment, needs: []ID{XML1}},
	{rule: "AMT-01", look: drugAmount},
	{rule: "AMT-02", look: drugCovered},
	{rule: "AMT-03", look: serviceAmount},
	{rule: "AMT-04", look: serviceCovered},
	{rule: "AMT-05", look: otherSources},
	{rule: "AMT-06", look: split},
	{rule: "AMT-07", look: partsAddUp},
	{rule: "AMT-08", look: rateFitsScope},
	{rule: "AMT-09", look: benefitRate, needs: []ID{XML1}},
	{rule: "TOT-01", look: totalDrugs, needs: []ID{XML1, XML2}},
	{rule: "TOT-02", look: totalSupplies, needs: []ID{XML1, XML3}},
	{rule: "TOT-03", look: totalsOfLines, needs: []ID{XML1, XML2, XML3}},
	{rule: "TOT-04", look: totalOfFund, needs: []ID{XML1}},
	{rule: "TOT-05", look: totalByFee, needs: []ID{XML1, XML2, XML3}},
	{rule: "REF-01", look: resultsHaveService, needs: []ID{XML3, XML4}},
	{rule: "REF-02", look: servicesHaveResult, needs: []ID{XML3, XML4}},
	{rule: "REF-03", look: performerGiven, needs: []ID{XML3}},
	{rule: "DUP-01", look: duplicateLines},
	{rule: "DUP-02", look: sentBefore, known: true, needs: []ID{XML1}},
	{rule: "DUP-03", look: stayedElsewhere, known: true, needs: []ID{XML1}},
	{rule: "DT-01", look: newbornCode, needs: []ID{XML1}},
	{rule: "DT-02", look: registeredHere, needs: []ID{XML1}},
	{rule: "DT-03", look: referralGiven, needs: []ID{XML1}},

	{rule: "ENC-01", look: declaredEncoding, texts: true},
	{rule: "ENC-02", look: normalForm},
	{rule: "ENC-03", look: lineEnds, texts: true},
	{rule: "ENC-04", look: oldEncoding, texts: true},
	{rule: "VER-01", look: decisionKnown, needs: []ID{XML1}},
}
