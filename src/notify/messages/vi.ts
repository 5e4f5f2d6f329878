/** Tiếng Việt. */
import type { Messages } from "./messages.ts";

export const vi: Messages = {
  firing: "Cảnh báo",
  resolved: "Đã khắc phục",
  critical: "nghiêm trọng",
  warning: "cảnh báo",
  info: "thông tin",
  since: "Từ lúc",
  ended: "Kết thúc",
  lasted: "Kéo dài",
  value: "Giá trị",
  runbook: "Cách xử lý",
  details: "Chi tiết",
  dashboard: "Bảng điều khiển",
  more: "và {count} cảnh báo khác",
  alerts: "{count} cảnh báo",
  test: "Đây là tin thử của kênh “{channel}”. Không có sự cố nào.",
};
