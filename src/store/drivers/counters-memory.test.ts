import { counterStoreSuite } from "../../../test/helpers/counter-store-suite.ts";
import { MemoryCounters } from "./counters-memory.ts";

counterStoreSuite("counters in memory", () => new MemoryCounters(), 400);
