import type { ServerResponse } from 'node:http';
import { ACTIONS, isAction, readActionCall } from '../domain/actionCall.ts';
import { type ActionDoorNeeds, asTaken, CONFLICT, NOT_STORED } from './actionTaken.ts';
import { parameterProblem } from './actions.ts';
import type { Crashed } from './commitThenAnswer.ts';
import type { WorkflowActionCall } from './receiveGhlWorkflow.ts';
import { type Problem, sendProblem } from './problem.ts';
import { createRepeats } from './workflowRepeats.ts';

/**
 * `customData.action` of the standard workflow action "Webhook" (SPEC §3.4): the same actions, with their parameters
 * under Custom Data. It cannot wait for an answer, so it is stored, answered 202, and carried out behind.
 */
export function createWebhookActions(
  own: Pick<ActionDoorNeeds, 'actions' | 'receivedAtOf'> & { crashed: Crashed },
): (res: ServerResponse, call: WorkflowActionCall) => void {
  const repeats = createRepeats(own.receivedAtOf);
  const receive = async (res: ServerResponse, asked: WorkflowActionCall) => {
    const { connection, row, body, json, headers } = asked;
    const refuse = (problem: Problem) => asked.refuse(problem);
    if (!isAction(body.action)) {
      const detail = `action is "${body.action.slice(0, 50)}"; the actions are ${ACTIONS.join(', ')}.`;
      return refuse(parameterProblem({ field: 'customData.action', detail }));
    }
    const call = readActionCall(body.action, json, { onlyCustom: true });
    if ('field' in call) return refuse(parameterProblem({ ...call, field: `customData.${call.field}` }));
    const sent = { headers, connection, call, body: json, bodyHash: row.bodyHash, nowMs: row.receivedAt.getTime() };
    const receipt = await own.actions.accept(await asTaken(repeats, sent, row));
    if (receipt.kind === 'other_parameters') return refuse(CONFLICT);
    if (receipt.kind === 'not_stored') return sendProblem(res, NOT_STORED);
    const { receiptId, duplicate } = receipt;
    const text = JSON.stringify({ receiptId, duplicate });
    res.writeHead(duplicate ? 200 : 202, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': String(text.length),
    });
    res.end(text);
  };
  return (res, call) => {
    receive(res, call).catch((error: unknown) => own.crashed(res, error));
  };
}
