import time, cProfile, pstats, importlib.util, pathlib
spec=importlib.util.spec_from_file_location("rp",pathlib.Path(__file__).parent/"test_run_page.py"); rp=importlib.util.module_from_spec(spec); spec.loader.exec_module(rp)
def test_perf(console):
    run=rp.big_run(10000)
    u=f"/runs/{run.id}/tracing/"
    console.get(u)
    for q in ("","","",f"?open={rp.ident(1).hex[:8]}"):
        t=time.perf_counter(); c=time.process_time(); r=console.get(u+q); print(q,round((time.perf_counter()-t)*1000),"ms", round((time.process_time()-c)*1000), "cpu", len(r.content))
    from nodes.tracing import load_steps; from nodes.timeline import build
    c=time.process_time(); s=load_steps(run.id); print("load", time.process_time()-c)
    c=time.process_time(); s=build(s); print("build", time.process_time()-c)
