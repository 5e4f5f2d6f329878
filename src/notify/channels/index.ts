/** The one table of channels. Adding one is a file here, its line here, and its schema in config/channel-schema.ts. */
import type { ChannelConfig, ChannelOf, ChannelType } from "../../config/schema.ts";
import type { Channel } from "../channel.ts";
import { dingtalk } from "./dingtalk.ts";
import { email } from "./email.ts";
import { feishu } from "./feishu.ts";
import { pagerduty } from "./pagerduty.ts";
import { slack } from "./slack.ts";
import { telegram } from "./telegram.ts";
import { webhook } from "./webhook.ts";
import { wecom } from "./wecom.ts";

const channels: { readonly [Type in ChannelType]: (config: ChannelOf<Type>, name: string) => Channel } = {
  slack,
  wecom,
  dingtalk,
  feishu,
  telegram,
  pagerduty,
  email,
  webhook,
};

/** Makes the channel that a configuration describes. */
export function channelOf(config: ChannelConfig, name: string): Channel {
  const make = channels[config.type] as (config: ChannelConfig, name: string) => Channel;
  return make(config, name);
}
