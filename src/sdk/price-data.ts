/** The price lists that come with Bellwether, as data that can be bundled; the meter loads this file when it needs it. */
import holysheep from "../prices/data/holysheep.json" with { type: "json" };
import listPrices from "../prices/data/list-prices.json" with { type: "json" };
import vendorExtras from "../prices/data/vendor-extras.json" with { type: "json" };
import type { PriceFile } from "../prices/price-file.ts";

/** In the order in which they count, as in prices/data.ts. The files are ours and tested. */
export const priceFiles = [holysheep, vendorExtras, listPrices] as unknown as readonly PriceFile[];
