/** The floor of a cold start: the least that answers the same request from the same row, with the same two packages. */

import { TableClient } from "@azure/data-tables";
import { app } from "@azure/functions";

const { AzureWebJobsStorage = "", ROW = "" } = process.env;

app.http("GetPermission", {
  methods: ["GET"],
  route: "customers/{customerId}/permissions/{product}",
  authLevel: "anonymous",
  async handler() {
    const { partitionKey, rowKey } = JSON.parse(ROW);
    const insecure = { allowInsecureConnection: AzureWebJobsStorage.includes("http://") };
    const table = TableClient.fromConnectionString(AzureWebJobsStorage, "CustomerPermissions", insecure);
    return { jsonBody: await table.getEntity(partitionKey, rowKey) };
  },
});
