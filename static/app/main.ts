// Everything here only improves pages that already work without it.
import { enhanceBoard } from "./board";
import { enhanceBuilder } from "./builder";
import { enhanceCopy } from "./copy";
import { enhanceDay } from "./day";
import { enhanceDrop } from "./drop";
import { enhanceKeys } from "./keys";
import { startLive } from "./live";
import { enhancePalette } from "./palette";
import { enhanceProposals } from "./proposals";
import { enhanceTheme } from "./theme";
import { refreshTimes, startTimes } from "./times";
import { enhanceToasts } from "./toasts";
import { enhanceUnderstand } from "./understand";

const now = (): number => Date.now();

startTimes(document, now);
enhanceTheme(document);
enhanceToasts(document);
enhancePalette(document);
enhanceCopy(document);
enhanceDrop(document);
enhanceKeys(document);
enhanceBoard(document);
enhanceBuilder(document);
enhanceUnderstand(document);
enhanceDay(document);
enhanceProposals(document);
startLive(document, () => refreshTimes(document, now()));
