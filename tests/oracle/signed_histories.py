"""Histories with ids of Gemini's calls, behind which LiteLLM keeps the signature of a thought; for every chat provider."""

OWN = "call_1__thought__QUJD"


class SignedHistories:
    """`user` and `call` are a provider's usual message and call."""

    def __init__(self, user, call):
        self.user, self.call = user, call
        self.asked = {"role": "assistant", "content": None, "tool_calls": [{**call, "id": OWN}]}
        self.told = {"role": "tool", "tool_call_id": OWN, "content": "21"}

    def calls(self, value):
        return [self.user, {**self.asked, "tool_calls": value}, self.told]

    def ids(self):
        return {
            "call and result": [self.user, self.asked, self.told],
            "result alone": [self.user, self.told],
            "twice": self.calls([{**self.call, "id": "a__thought__b__thought__c"}]),
            "nothing in front": self.calls([{**self.call, "id": "__thought__QUJD"}]),
            "nothing behind": self.calls([{**self.call, "id": "call_1__thought__"}]),
        }

    def roles(self):
        return {
            "no role": [self.user, {key: value for key, value in self.asked.items() if key != "role"}, self.told],
            "null role": [self.user, {**self.asked, "role": None}, self.told],
        }

    def of_a_function(self):
        return {"result of a function": [self.user, self.asked, {**self.told, "role": "function", "name": "f"}]}

    def lists(self):
        return {
            "calls as a text": self.calls(OWN),
            "calls as an object": self.calls({"id": OWN}),
            "calls that are no objects": self.calls([OWN]),
            "null call": self.calls([None]),
            "null and a call": self.calls([None, {**self.call, "id": OWN}]),
            "null calls": self.calls(None),
        }
