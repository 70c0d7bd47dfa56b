"""What ops/checks/attack needs: a session's cookie, addresses with parameters out of
the API's own description, and what wapiti's report says."""

import json
import sys
import urllib.parse
import urllib.request

PAGES = ["/grid?q=a&list=main&sort=name&page=1", "/contacts?q=a", "/emails?q=a", "/search?q=a", "/activity?q=a",
         "/pipeline?days=30", "/day?whose=mine&days=30", "/feature-requests?status=open", "/jobs?state=done&kind=probe",
         "/settings/audit?action=a&person=b", "/lists/graveyard?q=a", "/automations/runs?state=done"]


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def cookie(base, email, password):
    form = urllib.parse.urlencode({"email": email, "password": password}).encode()
    request = urllib.request.Request(base + "/login", form, {"Origin": base})
    try:
        answer = urllib.request.build_opener(NoRedirect).open(request)
    except urllib.error.HTTPError as error:
        answer = error
    found = answer.headers.get("Set-Cookie", "").split(";")[0]
    if answer.status != 303 or "=" not in found:
        sys.exit(f"signing in answered {answer.status}")
    print(found)


def urls(base, token):
    request = urllib.request.Request(base + "/api/openapi.json", headers={"Authorization": f"Bearer {token}"})
    document = json.load(urllib.request.urlopen(request))
    for path, methods in document["paths"].items():
        if "get" not in methods or "events" in path:
            continue
        parameters = [p["name"] for p in methods["get"].get("parameters", []) if p.get("in") == "query"]
        if parameters:
            address = path.replace("{", "").replace("}", "")
            print(base + address + "?" + urllib.parse.urlencode({name: "1" for name in parameters}))
    for page in PAGES:
        print(base + page)


def report(file):
    told = json.load(open(file))
    found = {name: len(hits) for name, hits in told["vulnerabilities"].items() if hits}
    pages = told["infos"].get("crawled_pages_nbr", 0)
    print(f"{sum(found.values())} findings on {pages} pages {json.dumps(found) if found else ''}".rstrip())
    # A scan that saw nothing found nothing.
    sys.exit(pages < 20)


{"cookie": cookie, "urls": urls, "report": report}[sys.argv[1]](*sys.argv[2:])
