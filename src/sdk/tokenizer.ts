/**
 * `bellwether/meter/tokenizer`: exact counts for usage that nobody reported. Apart from the meter because its
 * tables take some 60 MB of memory and two of download.
 */
export { inThreadEstimator as tokenizer } from "../usage/estimate-here.ts";
